//! Make, show and revoke pools of nodes. A pool's token leaves this file once and is kept nowhere.

use lictor_api::answer::{Created, Done, Shown};
use lictor_api::list::List;
use lictor_api::node_pools::{CreateNodePool, NodePool, WrittenNodePool};
use lictor_api::permits::{Nodes, Permit, Read, Write};
use lictor_api::query::{NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_authority::PoolStanding;
use uuid::Uuid;

use super::error::{Problem, shown_already};
use super::frame::{Answered, Ask, Kept};
use super::paging::Paging;
use super::wire::node_pools;

/// Tells the list from that of nodes, for whom a cursor is of no use.
const LIST: &str = "pools";

pub(super) async fn list(
    ask: Ask<Permit<Nodes, Read>, Page, NoBody, Shown<List<NodePool>>>,
) -> Result<Answered<Shown<List<NodePool>>>, Problem> {
    let permit = ask.permit()?;
    let page = Paging::of(&ask.query, permit, Some(LIST))?;
    let (after, rows) = (page.after()?, page.rows());
    let found = ask.server.authority.node_pools(permit, after, rows).await?;
    let key = |standing: &PoolStanding| standing.pool.id.to_string();
    page.cut(found, key, node_pools::pool)
}

pub(super) async fn show(
    ask: Ask<Permit<Nodes, Read>, NoQuery, NoBody, Shown<NodePool>>,
) -> Result<Answered<Shown<NodePool>>, Problem> {
    let authority = &ask.server.authority;
    let standing = authority.node_pool(ask.permit()?, ask.name(0)).await?;
    ask.answer(&Shown(node_pools::pool(standing)))
}

pub(super) async fn create(
    mut ask: Ask<Permit<Nodes, Write>, NoQuery, CreateNodePool, Created<WrittenNodePool>>,
) -> Result<Answered<Created<WrittenNodePool>>, Problem> {
    ask.keep(|id: &Uuid| {
        let detail = "this request made the pool and showed its token, which is not kept; if the answer \
                      was lost, revoke the pool and make it again";
        Kept::Problem(shown_already(detail, Some(id.to_string())))
    });
    let request = node_pools::request(&ask.body);
    let authority = &ask.server.authority;
    let issued = authority.create_pool(ask.permit()?, request).await?;
    let written = node_pools::created(issued, &ask.body, ask.told.is_all());
    ask.answer(&Created(written))
}

pub(super) async fn revoke(
    ask: Ask<Permit<Nodes, Write>, NoQuery, NoBody, Done>,
) -> Result<Answered<Done>, Problem> {
    let authority = &ask.server.authority;
    authority.revoke_pool(ask.permit()?, ask.name(0)).await?;
    ask.answer(&Done)
}
