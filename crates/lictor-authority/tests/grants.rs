//! What OAuth clients are handed, and how long it lasts, by a clock that is moved by hand.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use lictor_authority::clock::{Clock, ManualClock};
use lictor_authority::{
    Authority, Call, ClientRequest, Credentials, Grant, HandedOut, IssuedClient, Start,
};
use lictor_core::Error;
use lictor_core::facts::grant::GrantRefusal;

const OPERATOR: &str = "an-operator-token-of-the-tests-long-enough";
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct World {
    authority: Arc<Authority>,
    clock: Arc<ManualClock>,
    client: IssuedClient,
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::at(1_800_000_000);
        let start = Start {
            census_max_age: 0,
            keep_holders: None,
            keys: Vec::new(),
            operator_secret: Some(OPERATOR.to_owned()),
            policy: None,
            control_plane_key: None,
        };
        let store = lictor_store::open_temporary().expect("a store");
        let manual = Clock::Manual(Arc::clone(&clock));
        let authority = Authority::open(store, manual, start, |_| Ok(()))
            .await
            .expect("an installation")
            .authority();
        let request = ClientRequest {
            name: None,
            scopes: vec!["seats:read".parse().expect("a scope")],
            account: None,
            application: None,
        };
        let call = operator(&authority).await;
        let client = authority
            .create_client(call.permit().expect("the right"), request)
            .await;
        Self {
            client: client.expect("a client"),
            authority,
            clock,
        }
    }

    fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
    }

    async fn ask(&self, grant: Grant) -> Result<HandedOut, GrantRefusal> {
        self.ask_with(&self.client.secret, HOME, grant).await
    }

    async fn ask_with(
        &self,
        secret: &str,
        from: IpAddr,
        grant: Grant,
    ) -> Result<HandedOut, GrantRefusal> {
        let credentials = Credentials {
            client_id: self.client.client.client_id.clone(),
            secret: secret.to_owned(),
            from,
        };
        match self.authority.hand_out(&credentials, grant).await {
            Ok(handed) => Ok(handed),
            Err(Error::GrantRefused(refusal)) => Err(refusal),
            Err(error) => panic!("a fault: {error}"),
        }
    }

    async fn refresh(&self) -> Result<HandedOut, GrantRefusal> {
        let token = self.client.refresh_token.clone();
        self.ask(Grant::RefreshToken(token)).await
    }

    async fn is_live(&self, access_token: &str) -> bool {
        self.authority.sign_in(access_token).await.is_ok()
    }

    async fn code(&self) -> String {
        let call = operator(&self.authority).await;
        let client = self.client.client.client_id.clone();
        let code = self
            .authority
            .create_code(call.permit().expect("the right"), &client)
            .await;
        code.expect("a code").code
    }
}

async fn operator(authority: &Authority) -> Call {
    let actor = authority.sign_in(OPERATOR).await.expect("an operator");
    authority.call(actor, None).expect("a call")
}

fn refusal(asked: Result<HandedOut, GrantRefusal>) -> GrantRefusal {
    asked.map(drop).expect_err("refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_lives_for_an_hour() {
    let world = World::new().await;
    let handed = world.refresh().await.expect("a token");
    assert!(handed.refresh_token.is_none());
    world.pass(3_599);
    assert!(world.is_live(&handed.access_token).await);
    world.pass(1);
    assert!(!world.is_live(&handed.access_token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_lives_for_three_minutes_and_what_it_gives_has_no_end() {
    let world = World::new().await;
    let (early, late) = (world.code().await, world.code().await);
    world.pass(179);
    let handed = world.ask(Grant::Code(early)).await.expect("a grant");
    let refresh_token = handed.refresh_token.expect("a refresh token");
    world.pass(1);
    let expired = world.ask(Grant::Code(late)).await;
    assert_eq!(refusal(expired), GrantRefusal::InvalidCode);
    world.pass(10 * 365 * 86_400);
    let again = world.ask(Grant::RefreshToken(refresh_token)).await;
    assert!(again.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixteenth_access_token_ends_the_first_at_once() {
    let world = World::new().await;
    let mut handed: Vec<String> = Vec::new();
    for number in 0..16 {
        if number == 10 {
            let eleventh = world.refresh().await;
            assert_eq!(refusal(eleventh), GrantRefusal::TooManyTokens);
            world.pass(600);
        }
        for token in &handed {
            assert!(world.is_live(token).await, "{number}");
        }
        handed.push(world.refresh().await.expect("a token").access_token);
    }
    assert!(!world.is_live(&handed[0]).await);
    for token in &handed[1..] {
        assert!(world.is_live(token).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_twenty_first_refresh_token_revokes_the_first_and_its_access_tokens() {
    let world = World::new().await;
    let first = world.refresh().await.expect("a token").access_token;
    for number in 0..20 {
        assert!(world.is_live(&first).await, "{number}");
        if number % 10 == 0 {
            world.pass(600);
        }
        let code = world.code().await;
        world.ask(Grant::Code(code)).await.expect("a grant");
    }
    assert!(!world.is_live(&first).await);
    assert_eq!(refusal(world.refresh().await), GrantRefusal::InvalidCode);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_failures_shut_one_address_out_for_a_minute_and_no_other() {
    let world = World::new().await;
    let elsewhere = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let token = || Grant::RefreshToken(world.client.refresh_token.clone());
    for _ in 0..10 {
        let failed = world.ask_with("wrong", HOME, token()).await;
        assert_eq!(refusal(failed), GrantRefusal::WrongSecret);
    }
    for _ in 0..3 {
        assert_eq!(
            refusal(world.refresh().await),
            GrantRefusal::TooManyFailures
        );
        world.pass(19);
    }
    let secret = &world.client.secret;
    assert!(world.ask_with(secret, elsewhere, token()).await.is_ok());
    world.pass(3);
    assert!(world.refresh().await.is_ok(), "asking did not prolong it");
}
