"""atlassian-python-api against the server: what it reads, and what it says when it may not."""

import itertools
import os
import sys

import requests
from atlassian import JiraCloud

BASE = os.environ["LICTOR_BASE"]
CLOUD = os.environ["LICTOR_CLOUD"]
ADMIN = os.environ["LICTOR_ADMIN_EMAIL"]
OTHER = os.environ["LICTOR_OTHER_EMAIL"]
ADMIN_TOKEN = os.environ["LICTOR_ADMIN_TOKEN"]
OTHER_TOKEN = os.environ["LICTOR_OTHER_TOKEN"]
NARROW_TOKEN = os.environ["LICTOR_NARROW_TOKEN"]

PLANS = {"jira-core": "PAID", "jira-servicedesk": "FREE", "jira-software": "PAID"}
NOBODY = "Client must be authenticated to access this resource."
NO_ADMIN = "Only Jira administrators can access license details."
NO_SCOPE = "Unauthorized; scope does not match"

failures = 0


def case(name, holds, seen):
    global failures
    failures += not holds
    print(f"ok {name}" if holds else f"FAIL {name}: {seen!r}", flush=True)


def refused(name, call, status, words):
    try:
        case(name, False, call())
    except requests.HTTPError as error:
        seen = (error.response.status_code, str(error))
        case(name, seen[0] == status and words in seen[1], seen)


def read(name, client):
    license = client.get_license()
    plans = {row["id"]: row["plan"] for row in license["applications"]}
    case(f"{name} plans", plans == PLANS and list(license) == ["applications"], license)
    total = client.get_approximate_license_count()
    wanted = {"key": "license.totalApproximateUserCount", "value": "5"}
    case(f"{name} total", total == wanted, total)
    for key, value in [("jira-software", "4"), ("jira-core", "3"), ("jira-servicedesk", "0")]:
        count = client.get_approximate_application_license_count(key)
        wanted = {"key": f"license.{key}.approximateUserCount", "value": value}
        case(f"{name} {key}", count == wanted, count)
    refused(
        f"{name} unknown application",
        lambda: client.get_approximate_application_license_count("jira-nothing"),
        400,
        "jira-nothing",
    )
    refused(f"{name} unknown path", lambda: client.get("rest/api/3/nothing"), 404, "")


bases = {"site": BASE, "gateway": f"{BASE}/ex/jira/{CLOUD}"}
for (where, base), version in itertools.product(bases.items(), [2, 3]):
    name = f"{where} v{version}"
    basic = JiraCloud(base, username=ADMIN, password=ADMIN_TOKEN, api_version=version)
    read(f"{name} basic", basic)
    read(f"{name} bearer", JiraCloud(base, token=ADMIN_TOKEN, api_version=version))
    other = JiraCloud(base, username=OTHER, password=OTHER_TOKEN, api_version=version)
    case(f"{name} plans for anybody", len(other.get_license()["applications"]) == 3, "")
    refused(f"{name} no administrator", other.get_approximate_license_count, 403, NO_ADMIN)
    for who, client, words in [
        ("nobody", JiraCloud(base, api_version=version), NOBODY),
        ("wrong token", JiraCloud(base, token="wrong", api_version=version), NOBODY),
        (
            "another's token",
            JiraCloud(base, username=OTHER, password=ADMIN_TOKEN, api_version=version),
            NOBODY,
        ),
        ("no scope", JiraCloud(base, token=NARROW_TOKEN, api_version=version), NO_SCOPE),
    ]:
        refused(f"{name} {who} plans", client.get_license, 401, words)
        refused(f"{name} {who} total", client.get_approximate_license_count, 401, words)
sys.exit(1 if failures else 0)
