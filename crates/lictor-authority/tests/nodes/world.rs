//! An installation whose clock is moved by hand, its operator, and nodes that say what they are told to.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use lictor_authority::clock::{Clock, ManualClock};
use lictor_authority::{
    Authority, Call, EnrollRequest, EnrolledNode, NewLicense, NodeStanding, Opened, SignedState,
    Start,
};
use lictor_core::digest::Digest;
use lictor_core::facts::node::{JoinRefusal, Node};
use lictor_core::feed::{
    Applied, Audience, Join, KnownNode, Mode, NodePolicy, NodeReport, StateDocument, StateError,
};
use lictor_core::{Claims, Date, Error, PublicKey, SigningKey, Timestamp};
use lictor_store::Store;
use uuid::Uuid;

const OPERATOR: &str = "an-operator-token-of-the-tests-long-enough";
pub(crate) const START: Timestamp = 1_800_000_000;
pub(crate) const DAY: i64 = 86_400;

pub(crate) struct World {
    pub(crate) authority: Opened,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) vendor: SigningKey,
    pub(crate) store: Arc<dyn Store>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::at(START);
        let store = lictor_store::open_temporary().expect("a store");
        let vendor = SigningKey::from_seed([1; 32]);
        let world = Self {
            authority: open(&store, &clock, &vendor).await,
            clock,
            vendor,
            store,
        };
        world.license(Some(1)).await;
        world
    }

    /// Installs a license for so many nodes.
    pub(crate) async fn license(&self, dataplanes: Option<u32>) {
        let mut claims = claims();
        claims.dataplanes = dataplanes;
        self.put(1, &claims).await;
    }

    pub(crate) async fn put(&self, id: u128, claims: &Claims) {
        let new = NewLicense {
            payload: self.vendor.sign(&claims.to_json()).into(),
            created_at: None,
        };
        let (call, id) = (self.operator().await, Uuid::from_u128(id));
        let put = self
            .authority
            .put_license(call.permit().expect("the right"), id, new, None)
            .await;
        put.expect("a license");
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
    }

    pub(crate) async fn operator(&self) -> Call {
        let actor = self.authority.sign_in(OPERATOR).await;
        let actor = actor.expect("an operator");
        self.authority.call(actor, None).expect("a call")
    }

    pub(crate) async fn enroll(&self, name: &str) -> Result<EnrolledNode, Error> {
        let request = EnrollRequest {
            name: name.to_owned(),
            application: None,
        };
        let call = self.operator().await;
        self.authority
            .enroll_node(call.permit().expect("the right"), request)
            .await
    }

    pub(crate) async fn join(&self, enrolled: &EnrolledNode) -> Result<Arc<Node>, Error> {
        let credential = format!("credential-{}", enrolled.node.node.id);
        self.join_by(enrolled.token.as_str(), &credential).await
    }

    /// Joins by this token, and signs in.
    pub(crate) async fn join_by(&self, token: &str, credential: &str) -> Result<Arc<Node>, Error> {
        self.join_as(None, token, credential).await
    }

    /// The same for a node that says who it is.
    pub(crate) async fn join_as(
        &self,
        known: Option<KnownNode>,
        token: &str,
        credential: &str,
    ) -> Result<Arc<Node>, Error> {
        let join = Join {
            credential_sha256: Digest::of(credential.as_bytes()),
            host: String::new(),
            version: String::new(),
            formats: Vec::new(),
            known,
        };
        let node = self
            .authority
            .enrolled(token, IpAddr::V4(Ipv4Addr::LOCALHOST))
            .await?;
        self.authority.join(&node, &join).await?;
        self.authority.sign_in_node(credential).await
    }

    pub(crate) async fn node(&self) -> Arc<Node> {
        let enrolled = self.enroll("edge-1").await;
        let enrolled = enrolled.expect("a place");
        self.join(&enrolled).await.expect("joined")
    }

    pub(crate) async fn state(&self, node: &Node) -> SignedState {
        self.authority.signed_state(node).await.expect("a state")
    }

    pub(crate) async fn standing(&self, node: &Node) -> NodeStanding {
        let call = self.operator().await;
        let id = node.id.to_string();
        self.authority
            .node(call.permit().expect("the right"), &id)
            .await
            .expect("a node")
    }

    pub(crate) async fn set_policy(&self, stale_after: i64, expires_after: i64) {
        let policy = NodePolicy {
            stale_after,
            expires_after,
            grace: 0,
        };
        let call = self.operator().await;
        let set = self
            .authority
            .set_node_policy(call.permit().expect("the right"), policy)
            .await;
        set.expect("a policy");
    }

    pub(crate) async fn report(&self, node: &Node, applied: Option<Applied>, problems: &[&str]) {
        let key = self.authority.feed().public_key();
        self.report_under(&key, node, applied, problems).await;
    }

    /// Reports for a node that joined under this control plane key.
    pub(crate) async fn report_under(
        &self,
        key: &PublicKey,
        node: &Node,
        applied: Option<Applied>,
        problems: &[&str],
    ) {
        let report = NodeReport {
            host: "rack-7".to_owned(),
            version: "0.1.0".to_owned(),
            mode: Mode::Fresh,
            applied,
            control_plane: Some(key.sha256()),
            license: None,
            requests: 0,
            problems: problems.iter().map(ToString::to_string).collect(),
            counts: Vec::new(),
            settled: None,
            start: None,
            leaving: false,
            gives_back: false,
        };
        let reported = self.authority.report_of_node(node, report).await;
        reported.expect("taken");
    }

    /// What a node says that applies this state.
    pub(crate) fn applied(&self, node: &Node, state: &SignedState) -> Applied {
        let document = self.verified(node, state).expect("its own state");
        Applied {
            revision: document.revision(),
            issued_at: document.issued_at(),
            content_sha256: document.content_sha256(),
        }
    }

    pub(crate) fn verified<'a>(
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
pub(crate) async fn open(
    store: &Arc<dyn Store>,
    clock: &Arc<ManualClock>,
    vendor: &SigningKey,
) -> Opened {
    let start = Start {
        keys: vec![vendor.public_key()],
        operator_secret: Some(OPERATOR.to_owned()),
        control_plane_key: Some(SigningKey::from_seed([2; 32])),
        ..Start::default()
    };
    let clock = Clock::Manual(Arc::clone(clock));
    let opened = Authority::open(store.clone(), clock, start, |_| Ok(())).await;
    opened.expect("an installation")
}

pub(crate) fn claims() -> Claims {
    Claims::new("Konnect", Date::parse("2199-01-01").expect("a date"))
}

pub(crate) fn refused<T>(joined: Result<T, Error>) -> JoinRefusal {
    match joined {
        Err(Error::JoinRefused(refusal)) => refusal,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("joined"),
    }
}
