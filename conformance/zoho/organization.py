"""What the cases stand on: organizations, licenses, accounts and clients, made by the commands of Lictor."""

import json
import os
import subprocess
from pathlib import Path

BASE = os.environ["LICTOR_URL"]
SCRATCH = Path(os.environ["LICTOR_SCRATCH"])

# What an SDK needs: the license count, the current user and the organization.
SCOPES = "seats:read,accounts:read,organizations:read"


def lictor(*arguments):
    """Runs one command. It finds the server, the operator's token and the vendor's key in its environment."""
    command = [os.environ["LICTOR_BINARY"], *arguments]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode != 0:
        raise RuntimeError(f"lictor {' '.join(arguments)}: {ended.stderr}")
    return ended.stdout.strip()


class Organization:
    """One organization; the first one is there already."""

    def __init__(self, key):
        self.key = key
        if key != "default":
            lictor("organization", "create", key)

    def lictor(self, *arguments):
        return lictor(*arguments, "--organization", self.key)

    def number(self):
        rows = json.loads(lictor("organization", "list", "--json"))["data"]
        return next(row["number"] for row in rows if row["key"] == self.key)

    def license(self, application, seats, *claims):
        """A license that supersedes the one before; without a number of seats it has no limit."""
        options = ["--seats", str(seats)] if seats is not None else []
        for claim in (f"application={application}", "plan=PAID", *claims):
            options += ["--claim", claim]
        dates = ["--expires", "2099-12-31"]
        document = lictor("license", "issue", "--customer", "A", "--product", "CRM", *dates, *options)
        file = SCRATCH / "license.json"
        file.write_text(document)
        self.lictor("license", "add", str(file))

    def staff(self, application, people):
        """So many new accounts that hold a seat; their e-mails."""
        emails = [f"{application}{number}@example.com" for number in range(people)]
        file = SCRATCH / "people.csv"
        file.write_text("email,seats\n" + "".join(f"{email},{application}\n" for email in emails))
        self.lictor("account", "import", str(file))
        return emails

    def account(self, email, *options):
        self.lictor("account", "add", email, *options)
        return email

    def client(self, account=None, scope=SCOPES, application=None):
        """A new client: what it was handed, by the names that the SDKs have for it."""
        options = ["--account", account] if account else []
        options += ["--application", application] if application else []
        made = json.loads(self.lictor("client", "create", "--scope", scope, *options, "--json"))
        return Client(made)


class Client:
    """An OAuth client as an SDK is told of it."""

    def __init__(self, made):
        self.id = made["client_id"]
        credentials = {"client_id": self.id, "client_secret": made["client_secret"]}
        self.by_refresh = credentials | {"refresh_token": made["refresh_token"]}
        self.by_code = credentials | {"grant_token": made["code"]}
