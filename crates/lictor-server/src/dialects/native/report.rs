//! The usage report of the organization. Its figures are made elsewhere.

use lictor_api::answer::Shown;
use lictor_api::permits::{Permit, Read, Report};
use lictor_api::query::NoQuery;
use lictor_api::report::Report as Shows;
use lictor_api::row::NoBody;

use super::error::Problem;
use super::frame::{Answered, Ask};
use super::wire::report;

pub(super) async fn show(
    ask: Ask<Permit<Report, Read>, NoQuery, NoBody, Shown<Shows>>,
) -> Result<Answered<Shown<Shows>>, Problem> {
    let made = ask.server.authority.report(ask.permit()?).await?;
    let hostname = ask.server.settings.shown_hostname(&made.system.hostname);
    ask.answer(&Shown(report::report(made, hostname)))
}
