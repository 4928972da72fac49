"""Authlib, by its default way of naming a client: HTTP Basic at the token endpoint."""

import os

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from organization import BASE, Organization
from scenario import HERE, case, finish, run

TOKEN = f"{BASE}/oauth/v2/token"
SCOPE = "ZohoCRM.features.READ,ZohoCRM.users.READ,ZohoCRM.org.READ"


def authlib(home, client):
    given = client.by_refresh | client.by_code
    session = OAuth2Session(given["client_id"], given["client_secret"])
    by_code = session.fetch_token(TOKEN, grant_type="authorization_code", code=given["grant_token"])
    case("Authlib trades a code", by_code, token_type="Bearer", api_domain=BASE)
    case("Authlib gets a refresh token", {"there": "refresh_token" in by_code}, there=True)
    by_refresh = session.refresh_token(TOKEN, refresh_token=given["refresh_token"])
    case("Authlib refreshes", by_refresh, token_type="Bearer")
    answer = session.get(f"{BASE}/crm/v8/__features/user_licenses")
    case("Authlib reads the license count", {"status": answer.status_code}, status=200)
    answer = session.get(f"{BASE}//crm/v2.1/org/")
    case("Authlib reads the organization by v2.1", {"status": answer.status_code}, status=200)
    own = session.fetch_token(
        TOKEN, grant_type="client_credentials", scope=SCOPE, soid=f"ZohoCRM.{home.number()}"
    )
    case("Authlib trades its own credentials", own, token_type="Bearer")
    ended = session.revoke_token(f"{TOKEN}/revoke", token=own["access_token"])
    case("Authlib revokes", {"status": ended.status_code} | ended.json(), status="success")
    wrong = OAuth2Session(given["client_id"], "wrong")
    try:
        wrong.fetch_token(TOKEN, grant_type="client_credentials", scope=SCOPE)
        seen = {"error": None}
    except OAuthError as error:
        seen = {"error": error.error}
    case("Authlib tells a wrong secret", seen, error="invalid_client_secret")


def simple_oauth2(home, client):
    given = client.by_refresh | client.by_code
    told = {name.upper(): value for name, value in given.items()}
    told["SOID"] = f"ZohoCRM.{home.number()}"
    ended = run(HERE / "simple_oauth2.mjs", LICTOR_URL=BASE, **told)
    print(ended.stdout, end="")
    case("simple-oauth2 ends well", {"code": ended.returncode, "said": ended.stderr}, code=0)


def main():
    home = Organization("default")
    home.license("crm", 10)
    home.account("ada@example.com")
    # By the vendor's names, as its own documentation has them.
    authlib(home, home.client("ada@example.com", scope=SCOPE))
    simple_oauth2(home, home.client("ada@example.com", scope=SCOPE))
    finish()


main()
