//! Nodes and time, by a clock that is moved by hand: how long an enrollment token holds, when a state
//! is signed again, and how a node stands.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use lictor_core::change::Digest;
use lictor_core::feed::{
    Applied, Audience, Join, Mode, NodePolicy, NodeReport, StateDocument, StateError,
};
use lictor_core::node::JoinRefusal;
use lictor_core::{Claims, Date, Error, Node, SigningKey, Timestamp};
use lictor_server::authority::{
    Authority, Call, EnrollRequest, EnrolledNode, NewLicense, NodeStanding, NodeStatus,
    SignedState, Start,
};
use lictor_server::clock::Clock;
use lictor_store::sqlite::SqliteStore;
use uuid::Uuid;

const OPERATOR: &str = "an-operator-token-of-the-tests-long-enough";
const START: Timestamp = 1_800_000_000;
const DAY: i64 = 86_400;

struct World {
    authority: Arc<Authority>,
    now: Arc<AtomicI64>,
    vendor: SigningKey,
    store: Arc<SqliteStore>,
}

impl World {
    async fn new() -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let store = Arc::new(SqliteStore::in_memory().expect("a store"));
        let vendor = SigningKey::from_seed([1; 32]);
        let world = Self {
            authority: open(&store, &now, &vendor).await,
            now,
            vendor,
            store,
        };
        world.license(Some(1)).await;
        world
    }

    /// Installs a license for so many nodes.
    async fn license(&self, dataplanes: Option<u32>) {
        let mut claims = claims();
        claims.dataplanes = dataplanes;
        self.put(1, &claims).await;
    }

    async fn put(&self, id: u128, claims: &Claims) {
        let new = NewLicense {
            payload: self.vendor.sign(&claims.to_json()).into(),
            created_at: None,
        };
        let (call, id) = (self.operator().await, Uuid::from_u128(id));
        let put = self.authority.put_license(&call, id, new, None).await;
        put.expect("a license");
    }

    fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    async fn operator(&self) -> Call {
        let actor = self.authority.sign_in(OPERATOR).await;
        let actor = actor.expect("an operator");
        self.authority.call(actor, None).expect("a call")
    }

    async fn enroll(&self, name: &str) -> Result<EnrolledNode, Error> {
        let request = EnrollRequest {
            name: name.to_owned(),
            application: None,
        };
        let call = self.operator().await;
        self.authority.enroll_node(&call, request).await
    }

    async fn join(&self, enrolled: &EnrolledNode) -> Result<Arc<Node>, Error> {
        let credential = format!("credential-{}", enrolled.node.node.id);
        let join = Join {
            credential_sha256: Digest::of(credential.as_bytes()),
            host: String::new(),
            version: String::new(),
            formats: Vec::new(),
        };
        self.authority.join(enrolled.token.as_str(), &join).await?;
        self.authority.sign_in_node(&credential).await
    }

    async fn node(&self) -> Arc<Node> {
        let enrolled = self.enroll("edge-1").await;
        let enrolled = enrolled.ok().expect("a place");
        self.join(&enrolled).await.expect("joined")
    }

    async fn state(&self, node: &Node) -> SignedState {
        self.authority.signed_state(node).await.expect("a state")
    }

    async fn standing(&self, node: &Node) -> NodeStanding {
        let call = self.operator().await;
        let id = node.id.to_string();
        self.authority.node(&call, &id).await.expect("a node")
    }

    async fn set_policy(&self, stale_after: i64, expires_after: i64) {
        let policy = NodePolicy {
            stale_after,
            expires_after,
            grace: 0,
        };
        let call = self.operator().await;
        let set = self.authority.set_node_policy(&call, policy).await;
        set.expect("a policy");
    }

    async fn report(&self, node: &Node, applied: Option<Applied>, problems: &[&str]) {
        let report = NodeReport {
            host: "rack-7".to_owned(),
            version: "0.1.0".to_owned(),
            mode: Mode::Fresh,
            applied,
            license: None,
            requests: 0,
            problems: problems.iter().map(ToString::to_string).collect(),
            counts: Vec::new(),
        };
        let reported = self.authority.report_of_node(node, report).await;
        reported.expect("taken");
    }

    /// What a node says that applies this state.
    fn applied(&self, node: &Node, state: &SignedState) -> Applied {
        let document = self.verified(node, state).expect("its own state");
        Applied {
            revision: document.revision(),
            issued_at: document.issued_at(),
            content_sha256: document.content_sha256(),
        }
    }

    fn verified<'a>(
        &self,
        node: &Node,
        state: &'a SignedState,
    ) -> Result<StateDocument<'a>, StateError> {
        let audience = Audience {
            organization: node.organization,
            node: node.id,
        };
        let key = self.authority.feed().public_key();
        StateDocument::verify(&state.document, &key, audience)
    }
}

/// An authority on this store that remembers nothing.
async fn open(
    store: &Arc<SqliteStore>,
    now: &Arc<AtomicI64>,
    vendor: &SigningKey,
) -> Arc<Authority> {
    let start = Start {
        keys: vec![vendor.public_key()],
        operator_secret: Some(OPERATOR.to_owned()),
        control_plane_key: Some(SigningKey::from_seed([2; 32])),
        ..Start::default()
    };
    let clock = Clock::Manual(Arc::clone(now));
    let opened = Authority::open(store.clone(), clock, start, |_| Ok(())).await;
    opened.expect("an installation")
}

fn claims() -> Claims {
    Claims::new("Konnect", Date::parse("2199-01-01").expect("a date"))
}

fn refused<T>(joined: Result<T, Error>) -> JoinRefusal {
    match joined {
        Err(Error::JoinRefused(refusal)) => refusal,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("joined"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_token_can_be_used_for_a_day() {
    let world = World::new().await;
    let enrolled = world.enroll("edge-1").await.ok().expect("a place");
    assert_eq!(enrolled.expires_at, START + DAY);
    world.pass(DAY);
    assert_eq!(refused(world.join(&enrolled).await), JoinRefusal::Expired);
    world.pass(-1);
    assert!(world.join(&enrolled).await.is_ok());
    // Whoever has joined may repeat it for ever.
    world.pass(10 * DAY);
    assert!(world.join(&enrolled).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_never_used_gives_its_place_back_after_a_day() {
    let world = World::new().await;
    let unused = world.enroll("edge-1").await.ok().expect("a place");
    world.pass(DAY - 1);
    let full = world.enroll("edge-2").await.err().expect("refused");
    assert!(
        matches!(
            full,
            Error::NodeLimit {
                limit: 1,
                enrolled: 1,
                ..
            }
        ),
        "{full}"
    );
    world.pass(1);
    let second = world.enroll("edge-2").await.ok().expect("a place");
    assert_eq!(refused(world.join(&unused).await), JoinRefusal::Expired);
    assert!(world.join(&second).await.is_ok());
    // Its name is still taken, and a node that joined keeps its place.
    world.license(Some(2)).await;
    let taken = world.enroll("edge-1").await.err().expect("refused");
    assert!(matches!(taken, Error::AlreadyExists { .. }), "{taken}");
    world.license(Some(1)).await;
    world.pass(100 * DAY);
    let full = world.enroll("edge-3").await.err().expect("refused");
    assert!(matches!(full, Error::NodeLimit { .. }), "{full}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_signed_again_before_half_of_the_time_after_which_it_is_stale() {
    let world = World::new().await;
    let node = world.node().await;
    for stale_after in [10, 11, 300, 86_400] {
        world.set_policy(stale_after, 100_000).await;
        let first = world.state(&node).await;
        let now = world.now.load(Ordering::SeqCst);
        let wait = first.again_at - now;
        assert!(wait >= stale_after * 3 / 10 - 1 && wait > 0, "{wait}");
        assert!(wait * 2 < stale_after, "{wait} of {stale_after}");
        world.pass(wait);
        let again = world.state(&node).await;
        let [first, again] = [&first, &again].map(|state| {
            let state = world.verified(&node, state).expect("its own state");
            (
                state.revision(),
                state.content_sha256(),
                state.issued_at(),
                state.expires_at(),
            )
        });
        assert_eq!((first.0, first.1), (again.0, again.1));
        assert_eq!((again.2 - first.2, again.3 - first.3), (wait, wait));
        assert_eq!(first.3, now + 100_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_changes_with_the_revision_and_when_another_signing_is_due() {
    let world = World::new().await;
    let node = world.node().await;
    world.set_policy(100, 1_000).await;
    // START is a multiple of the 40 seconds after which it is signed again.
    let tag = async || world.state(&node).await.tag();
    let first = tag().await;
    world.pass(39);
    assert_eq!(tag().await, first);
    world.pass(1);
    let second = tag().await;
    assert_ne!(second, first);
    world.license(Some(2)).await;
    assert_ne!(tag().await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_stands_as_its_words_say() {
    let world = World::new().await;
    let enrolled = world.enroll("edge-1").await.ok().expect("a place");
    assert_eq!(enrolled.node.status, NodeStatus::Enrolled);
    let node = world.join(&enrolled).await.expect("joined");
    let stands = async |status: NodeStatus, reason: Option<&str>| {
        let standing = world.standing(&node).await;
        assert_eq!(standing.status, status, "{:?}", standing.reason);
        match (reason, standing.reason) {
            (None, None) => {}
            (Some(word), Some(said)) => assert!(said.contains(word), "{said}"),
            (word, said) => panic!("{word:?}: {said:?}"),
        }
    };
    stands(NodeStatus::Silent, Some("said nothing")).await;
    world.report(&node, None, &[]).await;
    stands(NodeStatus::Behind, Some("no state yet")).await;
    let state = world.state(&node).await;
    let applied = world.applied(&node, &state);
    world.report(&node, Some(applied), &[]).await;
    stands(NodeStatus::Current, None).await;
    world
        .report(&node, Some(applied), &["the disk is full"])
        .await;
    stands(NodeStatus::Current, Some("the disk is full")).await;
    world.license(Some(2)).await;
    stands(NodeStatus::Behind, Some("the disk is full")).await;
    world.report(&node, Some(applied), &[]).await;
    let reason = format!("applies revision {} of ", applied.revision);
    stands(NodeStatus::Behind, Some(&reason)).await;
    world.pass(45);
    stands(NodeStatus::Behind, Some(&reason)).await;
    world.pass(1);
    stands(NodeStatus::Silent, Some("said nothing")).await;
    let state = world.state(&node).await;
    let applied = world.applied(&node, &state);
    world.report(&node, Some(applied), &[]).await;
    stands(NodeStatus::Current, None).await;
    let ahead = Applied {
        revision: applied.revision + 1,
        ..applied
    };
    world.report(&node, Some(ahead), &["x"]).await;
    stands(NodeStatus::Ahead, Some("lictor node adopt")).await;
    // However long ago it said so: it is what an adoption has to go above.
    world.pass(DAY);
    stands(NodeStatus::Ahead, Some("lictor node adopt")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_revision_has_the_same_content_whenever_it_is_read() {
    let mut world = World::new().await;
    let node = world.node().await;
    let (mut brief, mut waiting) = (claims(), claims());
    brief.expiration_date = Date::of(START + 20 * DAY);
    waiting.creation_date = Some(Date::of(START + 10 * DAY));
    world.put(2, &brief).await;
    world.put(3, &waiting).await;
    let first = world.state(&node).await;
    let before = world.applied(&node, &first);
    // Before, when and behind that one license begins and another expires.
    for _ in 0..40 {
        world.pass(DAY);
        world.authority = open(&world.store, &world.now, &world.vendor).await;
        let state = world.state(&node).await;
        let after = world.applied(&node, &state);
        assert_eq!(after.revision, before.revision);
        assert_eq!(after.content_sha256, before.content_sha256);
    }
    let state = world.verified(&node, &first).expect("its own state");
    let held = state.content().licenses.iter();
    let held: Vec<u128> = held.map(|license| license.id.as_u128()).collect();
    assert_eq!(held, [3, 2], "the one that waits and the one in force");
}
