//! Enroll, show and revoke nodes, and what is in force for all of them. An enrollment token leaves this file once and is
//! kept nowhere.

use lictor_api::answer::{Created, Done, Shown};
use lictor_api::list::List;
use lictor_api::nodes::{AdoptedNodes, EnrollNode, Node, NodePolicy, SetNodePolicy, WrittenNode};
use lictor_api::permits::{InstallationPermit, Nodes, Permit, Read, Write};
use lictor_api::query::{NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_api::values::{Nothing, Told};
use lictor_authority::{EnrollRequest, NodeStanding};
use uuid::Uuid;

use super::error::{Problem, shown_already};
use super::frame::{Answered, Ask, Kept};
use super::paging::Paging;
use super::wire::nodes;

pub(super) async fn list(
    ask: Ask<Permit<Nodes, Read>, Page, NoBody, Shown<List<Node>>>,
) -> Result<Answered<Shown<List<Node>>>, Problem> {
    let permit = ask.permit()?;
    let page = Paging::of(&ask.query, permit, None)?;
    let (after, rows) = (page.after()?, page.rows());
    let found = ask.server.authority.nodes(permit, after, rows).await?;
    let key = |standing: &NodeStanding| standing.node.id.to_string();
    page.cut(found, key, nodes::node)
}

pub(super) async fn show(
    ask: Ask<Permit<Nodes, Read>, NoQuery, NoBody, Shown<Node>>,
) -> Result<Answered<Shown<Node>>, Problem> {
    let authority = &ask.server.authority;
    let standing = authority.node(ask.permit()?, ask.name(0)).await?;
    ask.answer(&Shown(nodes::node(standing)))
}

pub(super) async fn enroll(
    mut ask: Ask<Permit<Nodes, Write>, NoQuery, EnrollNode, Created<WrittenNode>>,
) -> Result<Answered<Created<WrittenNode>>, Problem> {
    ask.keep(|id: &Uuid| {
        let detail = "this request enrolled the node and showed its token, which is not kept; if \
                      the answer was lost, revoke the node and enroll it again";
        Kept::Problem(shown_already(detail, Some(id.to_string())))
    });
    let request = EnrollRequest {
        name: ask.body.name.clone(),
        application: ask.body.application.clone(),
    };
    let authority = &ask.server.authority;
    let enrolled = authority.enroll_node(ask.permit()?, request).await;
    let enrolled = enrolled.map_err(|error| ask.told.problem(error))?;
    let written = nodes::enrolled(enrolled, &ask.body, ask.told.is_all());
    ask.answer(&Created(written))
}

pub(super) async fn revoke(
    ask: Ask<Permit<Nodes, Write>, NoQuery, NoBody, Done>,
) -> Result<Answered<Done>, Problem> {
    let authority = &ask.server.authority;
    authority.revoke_node(ask.permit()?, ask.name(0)).await?;
    ask.answer(&Done)
}

pub(super) async fn show_policy(
    ask: Ask<Permit<Nodes, Read>, NoQuery, NoBody, Shown<NodePolicy>>,
) -> Result<Answered<Shown<NodePolicy>>, Problem> {
    let policy = ask.server.authority.node_policy(ask.permit()?).await?;
    ask.answer(&Shown(nodes::policy(policy)))
}

pub(super) async fn set_policy(
    ask: Ask<InstallationPermit<Nodes, Write>, NoQuery, SetNodePolicy, Shown<NodePolicy>>,
) -> Result<Answered<Shown<NodePolicy>>, Problem> {
    let (authority, policy) = (&ask.server.authority, nodes::policy_to_set(&ask.body));
    let policy = authority.set_node_policy(ask.permit()?, policy).await?;
    ask.answer(&Shown(nodes::policy(policy)))
}

pub(super) async fn adopt(
    ask: Ask<InstallationPermit<Nodes, Write>, NoQuery, Nothing, Shown<AdoptedNodes>>,
) -> Result<Answered<Shown<AdoptedNodes>>, Problem> {
    let adopted = ask.server.authority.adopt_nodes(ask.permit()?).await?;
    ask.answer(&Shown(AdoptedNodes {
        adopted: Told::if_told(ask.told.is_all(), adopted as u64),
    }))
}
