"""The cases, the same for both SDKs: what is asked, and what the SDK must make of the answer."""

import json
import re
from pathlib import Path

from organization import BASE, SCRATCH, Organization
from scenario import HERE, SDK, case, finish, run, sdk

UNLIMITED = 2**31 - 1


def feature(name, label=None, totals=(None, None, None)):
    """A feature as an SDK shows it, with what is bought, used and left."""
    return {
        "api_name": name,
        "label": label or name,
        "module_supported": False,
        "components": None,
        "parent_feature": None,
        "totals": list(totals),
    }


def count(*totals, label="UserLicenses"):
    return feature("user_licenses", label, totals)


def counted(name, seen, *totals, **wanted):
    case(name, seen, status=200, object="ResponseWrapper", rows=[count(*totals)], **wanted)


def nothing(name, seen):
    case(name, seen, status=204, object="NoneType")


def refused(name, seen, status, code, message):
    """The error is decoded, with all of its four keys."""
    wanted = {"object": "APIException", "code": code, "state": "error", "message": message, "details": {}}
    case(name, seen, status=status, **wanted)


def dead(name, seen):
    refused(name, seen, 401, "INVALID_TOKEN", "invalid oauth token")


def denied(name, seen, error):
    """The token endpoint hands nothing out, and the SDK raises with its word."""
    case(name, seen, raised=["INVALID TOKEN ERROR", error], stored=[])


def first_stored(seen):
    """What the SDK has put into its store."""
    return (seen.get("stored") or [{}])[0]


def access_of(client):
    """An access token as an SDK gets it, which is then all that the next one has."""
    return {"access_token": first_stored(sdk(client.by_refresh, find_user=False)).get("access_token")}


def signs_in(home, ada):
    client = home.client(ada)
    user = f"{ada}:{home.number()}"
    seen = sdk(client.by_refresh)
    counted("by refresh token", seen, 10, 7, 3)
    case("the user's name is e-mail and organization", first_stored(seen), user=user)
    case("every later call goes to the same server", first_stored(seen), api_domain=BASE)
    seen = sdk(client.by_refresh, find_user=False)
    counted("by refresh token, without the user", seen, 10, 7, 3)
    case("nobody's name is stored", first_stored(seen), user=None)
    access = {"access_token": first_stored(seen).get("access_token")}
    seen = sdk(access)
    counted("by access token", seen, 10, 7, 3)
    case("the user's name by access token", first_stored(seen), user=user)
    counted("by access token, without the user", sdk(access, find_user=False), 10, 7, 3)
    made = json.loads(home.lictor("token", "create", "--account", ada, "--scope", "seats:read", "--json"))
    counted("by a token that no client has", sdk({"access_token": made["secret"]}), 10, 7, 3)


def trades_codes(home, ada):
    client = home.client(ada)
    seen = sdk(client.by_code)
    counted("by grant code", seen, 10, 7, 3)
    stored = first_stored(seen)
    own = {**client.by_refresh, "refresh_token": stored.get("refresh_token")}
    another = isinstance(own["refresh_token"], str) and own != client.by_refresh
    case("the code gave a refresh token of its own", {"another": another}, another=True)
    counted("by the refresh token that the code gave", sdk(own, find_user=False), 10, 7, 3)
    denied("a used code", sdk(client.by_code), "invalid_code")
    dead("a code used twice revokes the access it gave", sdk({"access_token": stored.get("access_token")}))
    denied("and the refresh token it gave", sdk(own), "invalid_code")
    counted("but no other refresh token", sdk(client.by_refresh, find_user=False), 10, 7, 3)
    client = home.client(ada)
    elsewhere = {**client.by_code, "redirect_url": "https://app.example.com/callback"}
    counted("by grant code, with an address to return to", sdk(elsewhere, find_user=False), 10, 7, 3)


def sees_what_it_may(home, ada):
    german = home.account("dora@example.com", "--language", "de_DE")
    seen = sdk(home.client(german).by_refresh, find_user=False)
    case("a German account", seen, status=200, rows=[count(10, 7, 3, label="Benutzerlizenzen")])
    seen = sdk(home.client().by_refresh)
    counted("a client that acts for no account", seen, 10, 7, 3)
    seen = sdk(home.client(ada, scope="seats:read").by_refresh)
    counted("the count alone in scope", seen, 10, 7, 3)
    case("no name without the scope for it", first_stored(seen), user=None)
    seen = sdk(home.client(ada, scope="accounts:read,organizations:read").by_refresh)
    message = "invalid oauth scope to access this URL"
    refused("the count out of scope", seen, 401, "OAUTH_SCOPE_MISMATCH", message)


def lists_features(home, ada):
    access = access_of(home.client(ada))

    def ask(call, of):
        return sdk(access, call, of, find_user=False)

    rows = [count(10, 7, 3), feature("audit"), feature("sso")]
    case("the list of features", ask("list", {}), status=200, rows=rows, info=[1, 200, 3, False])
    seen = ask("list", {"api_names": "sso,nothing"})
    case("the list by names", seen, status=200, rows=[feature("sso")], info=[1, 200, 1, False])
    nothing("the list by names that are none", ask("list", {"api_names": "nothing"}))
    nothing("the list by a module", ask("list", {"module": "Leads"}))
    message = "the module name given seems to be invalid"
    refused("the list by a module that is none", ask("list", {"module": "a b"}), 400, "INVALID_MODULE", message)
    case("one feature", ask("one", "sso"), status=200, rows=[feature("sso")], info=None)
    case("the count by its name", ask("one", "user_licenses"), status=200, rows=[count(10, 7, 3)], info=None)
    nothing("one feature that is none", ask("one", "nothing"))


def refuses_tokens(home, ada):
    blank = sdk({"access_token": " "})
    refused("no token", blank, 401, "AUTHENTICATION_FAILURE", "Authentication failed")
    dead("an unknown token", sdk({"access_token": f"1000.{'0' * 32}.{'0' * 32}"}))
    client = home.client(ada)
    access = access_of(client)
    message = "Please check if the URL trying to access is a correct one"
    refused("an unknown path", sdk(access, base=f"{BASE}/crm"), 404, "INVALID_URL_PATTERN", message)
    refresh_token = client.by_refresh["refresh_token"]
    seen = sdk(client.by_refresh, "revoke", refresh_token)
    # The other SDK sends the same, and stumbles over any answer: what it led to comes next.
    if SDK == "python":
        case("revoking a refresh token", seen, revoked=True)
        case("revoking it again", sdk(client.by_refresh, "revoke", refresh_token), revoked=False)
    dead("the access of a revoked refresh token", sdk(access))
    denied("a revoked refresh token", sdk(client.by_refresh), "invalid_code")
    client = home.client(ada)
    access = access_of(client)
    home.lictor("client", "remove", client.id)
    dead("the access of a client that was removed", sdk(access))
    denied("a client that was removed", sdk(client.by_refresh), "invalid_client")
    made = json.loads(home.lictor("token", "create", "--account", ada, "--json"))
    home.lictor("token", "revoke", made["id"])
    dead("a token that was revoked", sdk({"access_token": made["secret"]}))


def heeds_the_account(home):
    gone = home.account("gone@example.com")
    client = home.client(gone)
    access = access_of(client)
    home.lictor("account", "deactivate", gone)
    dead("the access of an account that was deactivated", sdk(access))
    denied("a refresh for an account that was deactivated", sdk(client.by_refresh), "invalid_client")
    denied("a code for an account that was deactivated", sdk(client.by_code), "invalid_client")
    home.lictor("account", "reactivate", gone)
    counted("the access of an account that is active again", sdk(access), 10, 7, 3)
    counted("a refresh for an account that is active again", sdk(client.by_refresh), 10, 7, 3)
    home.lictor("account", "remove", gone)
    dead("the access of an account that was removed", sdk(access))
    denied("a refresh for an account that was removed", sdk(client.by_refresh), "invalid_client")


def refuses_credentials(home, ada):
    client = home.client(ada)
    for way, whole, part in [
        ("refresh token", client.by_refresh, "refresh_token"),
        ("grant code", client.by_code, "grant_token"),
    ]:
        unknown = f"1000.{'0' * 32}.{'0' * 32}"
        denied(f"an unknown {way}", sdk({**whole, part: unknown}), "invalid_code")
        seen = sdk({**whole, "client_secret": "wrong"})
        denied(f"a wrong secret with a {way}", seen, "invalid_client_secret")
        seen = sdk({**whole, "client_id": "1000." + "A" * 30})
        denied(f"an unknown client with a {way}", seen, "invalid_client")
    counted("and then all that is right", sdk(client.by_refresh, find_user=False), 10, 7, 3)


def throttles(home, ada):
    seen = sdk(home.client(ada).by_refresh, refreshes=9)
    counted("the tenth refresh in ten minutes", seen, 10, 7, 3)
    seen = sdk(home.client(ada).by_refresh, refreshes=10)
    case("the 11th refresh in ten minutes", seen, raised=["INVALID TOKEN ERROR", "Access Denied"])
    access = {"access_token": first_stored(seen).get("access_token")}
    counted("what is in hand lives on", sdk(access), 10, 7, 3)


def counts_otherwise():
    endless = Organization("endless")
    endless.license("crm", None)
    owner = endless.staff("crm", 7)[0]
    seen = sdk(endless.client(owner).by_refresh)
    counted("a license without a limit", seen, UNLIMITED, 7, UNLIMITED - 7)
    over = Organization("over")
    over.license("crm", 10)
    owner = over.staff("crm", 7)[0]
    over.license("crm", 5)
    counted("more used than bought", sdk(over.client(owner).by_refresh), 5, 7, 0)
    two = Organization("two")
    two.license("crm", 10)
    two.license("desk", 5)
    owner = two.staff("crm", 7)[0]
    two.staff("desk", 2)
    counted("two applications", sdk(two.client(owner).by_refresh), 15, 9, 6)
    seen = sdk(two.client(owner, application="desk").by_refresh)
    counted("a client for one of them", seen, 5, 2, 3)
    none = Organization("none")
    counted("nothing bought", sdk(none.client().by_refresh), 0, 0, 0)


def is_as_documented(home, ada):
    """The program of the guide, from its page."""
    client = home.client(ada).by_refresh
    kind, suffix = ("python", ".py") if SDK == "python" else ("js", ".mjs")
    guide = HERE.parent.parent / "docs" / "zoho.md"
    [text] = re.findall(rf"^```{kind}\n(.*?)^```$", guide.read_text(), re.MULTILINE | re.DOTALL)
    program = Path(SCRATCH, f"guide{suffix}")
    program.write_text(text)
    told = {name.upper(): value for name, value in client.items()}
    ended = run(program, LICTOR_URL=BASE, **told)
    case("the program of the guide", vars(ended), stdout="10 bought, 7 used, 3 left\n", returncode=0)


def main():
    home = Organization("default")
    home.license("crm", 10, "features=sso,audit")
    ada = home.staff("crm", 7)[0]
    for cases in [
        signs_in,
        trades_codes,
        sees_what_it_may,
        lists_features,
        refuses_tokens,
        refuses_credentials,
        throttles,
        is_as_documented,
    ]:
        cases(home, ada)
    heeds_the_account(home)
    counts_otherwise()
    finish()


main()
