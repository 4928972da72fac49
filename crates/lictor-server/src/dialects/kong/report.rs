//! `GET /license/report`: the authority's figures in the two shapes that Kong's versions give them.

use axum::http::StatusCode;
use axum::response::Response;
use lictor_authority::Report;
use lictor_core::Plan;

use super::error::Refusal;
use super::wire::{
    Bucket, Counters, CurrentLicense, DeploymentInfo, EarlierReport, Figures, LaterReport,
    PluginsCount, SystemInfo,
};
use super::{Ask, escape, wire};

/// The date that Kong shows where there is no license.
const UNLICENSED_DATE: &str = "2017-7-20";

/// The shapes of the report, named after the Kong version that brought each.
#[derive(Clone, Copy)]
enum Shape {
    Earlier,
    Later,
}

/// `GET /license/report`
pub(super) async fn show(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let report = ask.server.authority.report(ask.call.permit()?).await?;
    let shape = shape(ask.query)?;
    let hostname = ask.server.settings.shown_hostname(&report.system.hostname);
    let figures = Figures {
        db_version: &report.engine,
        kong_version: &ask.server.settings.kong_version,
        rbac_users: report.users,
        services_count: report.services,
        system_info: SystemInfo {
            cores: report.system.cores,
            hostname: &hostname,
            uname: &report.system.uname,
        },
        workspaces_count: report.organizations,
    };
    Ok(match shape {
        Shape::Earlier => earlier(&report, figures),
        Shape::Later => later(&report, figures),
    })
}

fn shape(query: &str) -> Result<Shape, Refusal> {
    let mut shape = Shape::Earlier;
    for (name, value) in escape::pairs(query.as_bytes()) {
        if name == b"format" {
            shape = match value.as_slice() {
                b"2.7" => Shape::Earlier,
                b"3.4" => Shape::Later,
                _ => return Err(Refusal::UnknownFormat),
            };
        }
    }
    Ok(shape)
}

fn earlier(report: &Report, figures: Figures<'_>) -> Response {
    let body = EarlierReport {
        counters: buckets(report),
        license_key: license_of(report.current_license.as_ref()).license_key,
        figures,
    };
    wire::json(StatusCode::OK, &body)
}

fn later(report: &Report, figures: Figures<'_>) -> Response {
    wire::with_checksum(&LaterReport {
        counters: Counters {
            buckets: buckets(report),
            total_requests: report.total_requests(),
        },
        license: license_of(report.current_license.as_ref()),
        plugins_count: PluginsCount::default(),
        routes_count: 0,
        consumers_count: 0,
        deployment_info: DeploymentInfo {
            r#type: if report.connected_nodes.is_some() {
                "hybrid"
            } else {
                "traditional"
            },
            connected_dp_count: report.connected_nodes,
        },
        timestamp: report.at,
        figures,
    })
}

/// The current license, or Kong's words for none.
pub(super) fn license_of(current: Option<&lictor_authority::CurrentLicense>) -> CurrentLicense<'_> {
    CurrentLicense {
        license_key: current.map_or(Plan::UNLICENSED, |license| &license.license_key),
        license_expiration_date: current.map_or(UNLICENSED_DATE.into(), |license| {
            license.expiration_date.to_string().into()
        }),
    }
}

fn buckets(report: &Report) -> Vec<Bucket<'_>> {
    let months = report.requests.iter();
    months
        .map(|(month, count)| Bucket {
            bucket: month,
            request_count: *count,
        })
        .collect()
}
