"""PyPI's jira against the server: what it asks when it is made, and how it tells a wrong token."""

import os
import sys

from jira import JIRA, JIRAError

BASE = os.environ["LICTOR_BASE"]
ADMIN = os.environ["LICTOR_ADMIN_EMAIL"]
TOKEN = os.environ["LICTOR_ADMIN_TOKEN"]

failures = 0


def case(name, holds, seen=""):
    global failures
    failures += not holds
    print(f"ok {name}" if holds else f"FAIL {name}: {seen!r}", flush=True)


def refused(name, status, says, **options):
    try:
        seen = JIRA(BASE, max_retries=0, **options)
    except JIRAError as error:
        case(name, error.status_code == status and says in error.response.text, error)
    else:
        case(name, False, seen)


for version in ["2", "3", "latest"]:
    options = {"rest_api_version": version}
    # Its validation asks for a session of cookies, which the site that is imitated has none of.
    asks_me = options | {"auth_url": f"/rest/api/{version}/myself"}
    for kind, given in [("basic", {"basic_auth": (ADMIN, TOKEN)}), ("bearer", {"token_auth": TOKEN})]:
        name = f"v{version} {kind}"
        client = JIRA(BASE, options=options, **given)
        case(f"{name} is Cloud", client._is_cloud and client._version == (1001, 0, 0), client._version)
        case(f"{name} myself", client.myself()["emailAddress"] == ADMIN, client.myself())
        allowed = client.my_permissions(permissions="ADMINISTER")["permissions"]["ADMINISTER"]
        case(f"{name} administers", allowed["havePermission"] is True, allowed)
        valid = JIRA(BASE, options=asks_me, validate=True, **given)
        case(f"{name} is validated by who it is", valid.session().accountId == client.myself()["accountId"])
        refused(
            f"{name} has no session", 404, "No endpoint GET /rest/auth/1/session.",
            options=options, validate=True, **given,
        )
    for kind, given in [
        ("basic", {"basic_auth": (ADMIN, "wrong")}),
        ("bearer", {"token_auth": "wrong"}),
        ("nobody", {}),
    ]:
        words = "Client must be authenticated"
        refused(f"v{version} wrong {kind}", 401, words, options=asks_me, validate=True, **given)
sys.exit(1 if failures else 0)
