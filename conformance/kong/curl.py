"""Runs the real curl against the license routes: form, multipart and JSON bodies, every verb, and the refusals."""

import json
import re
import subprocess
import uuid
from dataclasses import dataclass

from cases import BASE, LICENSES, MISSING_ID, SCRATCH, TOKEN, case, document, finish

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Answer:
    status: int
    head: str
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    def header(self, name):
        found = re.search(rf"^{name}:[ \t]*(.*?)\r?$", self.head, re.IGNORECASE | re.MULTILINE)
        return found.group(1) if found else None


def curl(verb, path, *arguments, token=TOKEN):
    """One request by curl; `arguments` go to curl as they are."""
    head, body = SCRATCH / "head", SCRATCH / "body"
    body.write_bytes(b"")
    command = ["curl", "--silent", "--show-error", "--max-time", "20"]
    command += ["--dump-header", str(head), "--output", str(body)]
    command += ["--head"] if verb == "HEAD" else ["--request", verb]
    if token:
        command += ["--header", f"Kong-Admin-Token: {token}"]
    command += [*arguments, BASE + path]
    subprocess.run(command, check=True)
    text = head.read_bytes().decode()
    # An upload may be answered with an interim head ("100 Continue") first; the last one counts.
    last = text.strip().split("\r\n\r\n")[-1]
    return Answer(int(last.split()[1]), last, b"" if verb == "HEAD" else body.read_bytes())


def json_body(value):
    file = SCRATCH / "request.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    return ["--header", "Content-Type: application/json", "--data-binary", f"@{file}"]


def bodies(name):
    """The same document in every form curl users send it."""
    file = LICENSES / f"{name}.json"
    return {
        "form": ["--data-urlencode", f"payload@{file}"],
        "multipart text": ["--form", f"payload=<{file}"],
        "multipart file": ["--form", f"payload=@{file}"],
        "JSON": json_body({"payload": document(name)}),
    }


def is_entity(answer, status, payload):
    """The answer is one whole license with exactly this payload."""
    if answer.status != status:
        return False
    entity = answer.json
    return (
        set(entity) == {"id", "payload", "created_at", "updated_at"}
        and UUID.fullmatch(entity["id"]) is not None
        and entity["payload"] == payload
        and type(entity["created_at"]) is int
        and type(entity["updated_at"]) is int
    )


def everything():
    return {entity["id"]: entity["payload"] for entity in curl("GET", "/licenses?size=1000").json["data"]}


def creates():
    text = document("first").rstrip("\n")
    answer = curl("POST", "/licenses", "--data", f"payload={text}")
    case("POST with -d payload=… is 201", is_entity(answer, 201, text), answer)
    for form, body in bodies("special").items():
        answer = curl("POST", "/licenses", *body)
        case(f"POST {form} is 201, payload byte for byte", is_entity(answer, 201, document("special")), answer)
    answer = curl("POST", "/licenses/", *bodies("second")["form"])
    case("POST with a trailing slash is 201", is_entity(answer, 201, document("second")), answer)
    answer = curl("POST", "/licenses", *bodies("expired")["form"])
    case("POST of an expired license is 201", is_entity(answer, 201, document("expired")), answer)


def reads():
    entity = curl("POST", "/licenses", *bodies("first")["form"]).json
    path = f"/licenses/{entity['id']}"
    answer = curl("GET", path)
    case("GET answers what POST answered", answer.status == 200 and answer.json == entity, answer)
    upper = curl("GET", f"/licenses/{entity['id'].upper()}")
    case("GET takes an upper-case UUID", upper.status == 200 and upper.json == entity, upper)
    head = curl("HEAD", path)
    same = head.status == 200 and head.header("Content-Type") == answer.header("Content-Type")
    case("HEAD has GET's status and type", same, head)
    answer = curl("GET", "/licenses")
    found = [listed for listed in answer.json["data"] if listed["id"] == entity["id"]]
    case("the list holds the same entity", answer.status == 200 and found == [entity], answer)
    answer = curl("OPTIONS", path, token=None)
    verbs = "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    case("OPTIONS is 204 with the verbs", answer.status == 204 and answer.header("Allow") == verbs, answer)


def changes():
    for form in bodies("first"):
        path = f"/licenses/{uuid.uuid4()}"
        answer = curl("PUT", path, *bodies("first")[form])
        case(f"PUT {form} creates with 200", is_entity(answer, 200, document("first")), answer)
        answer = curl("PUT", path, *bodies("special")[form])
        case(f"PUT {form} replaces with 200", is_entity(answer, 200, document("special")), answer)
        created_at = answer.json["created_at"]
        answer = curl("PATCH", path, *bodies("second")[form])
        kept = is_entity(answer, 200, document("second")) and answer.json["created_at"] == created_at
        case(f"PATCH {form} replaces the payload, keeps created_at", kept, answer)
    wanted = str(uuid.uuid4())
    body = json_body({"id": MISSING_ID, "payload": document("first"), "created_at": 1600000000})
    answer = curl("PUT", f"/licenses/{wanted}", *body)
    right = is_entity(answer, 200, document("first")) and answer.json["id"] == wanted
    case("PUT: the path's id decides", right, answer)
    case("PUT keeps a created_at that is sent", right and answer.json["created_at"] == 1600000000, answer)
    upper = str(uuid.uuid4()).upper()
    answer = curl("PUT", f"/licenses/{upper}", *bodies("first")["JSON"])
    again = curl("GET", f"/licenses/{upper.lower()}")
    case("PUT takes an upper-case UUID", answer.status == 200 and again.json == answer.json, (answer, again))


def second_pass():
    """A controller that puts what it wants, and compares: nothing may differ the second time."""
    wanted = {str(uuid.uuid4()): document(name) for name in ("first", "second", "special")}
    for round_ in ("first", "second"):
        for id_, payload in wanted.items():
            curl("PUT", f"/licenses/{id_}", *json_body({"payload": payload}))
        stored = everything()
        differs = {id_ for id_, payload in wanted.items() if stored.get(id_) != payload}
        case(f"after the {round_} PUT pass nothing differs", not differs, differs)


def deletes():
    id_ = curl("POST", "/licenses", *bodies("first")["form"]).json["id"]
    for time in ("first", "second"):
        answer = curl("DELETE", f"/licenses/{id_}")
        case(f"the {time} DELETE is 204 and empty", (answer.status, answer.body) == (204, b""), answer)
    answer = curl("GET", f"/licenses/{id_}")
    case("GET after DELETE is 404", (answer.status, answer.json) == (404, {"message": "Not found"}), answer)


def pages():
    while len(stored := everything()) < 5:
        curl("POST", "/licenses", *bodies("first")["form"])
    by_next, path = [], "/licenses?size=2"
    while path:
        page = curl("GET", path).json
        by_next += [entity["id"] for entity in page["data"]]
        path = page["next"]
    case("pages of two by next hold every license once, in order", by_next == sorted(stored), by_next)
    by_offset, offset = [], None
    while True:
        query = ["--get", "--data", "size=2"]
        query += ["--data-urlencode", f"offset={offset}"] if offset else []
        page = curl("GET", "/licenses", *query).json
        by_offset += [entity["id"] for entity in page["data"]]
        offset = page.get("offset")
        if offset is None:
            break
    case("pages of two by offset hold the same", by_offset == by_next, by_offset)
    answer = curl("GET", "/licenses?offset=x")
    case("a bad offset is 400 code 7", answer.status == 400 and answer.json["code"] == 7, answer)


def refuses_callers():
    for name, token in (("no", None), ("a wrong", "x" * 40)):
        answer = curl("GET", "/licenses", token=token)
        case(f"{name} token is 401 with a message", answer.status == 401 and "message" in answer.json, answer)
    answer = curl("POST", "/licenses", *bodies("first")["form"], token="x" * 40)
    case("POST with a wrong token is 401", answer.status == 401, answer)


def refuses_paths():
    for verb in ("GET", "PUT", "PATCH", "DELETE"):
        body = bodies("first")["form"] if verb in ("PUT", "PATCH") else []
        answer = curl(verb, "/licenses/not-a-uuid", *body)
        case(f"{verb} of a non-UUID is 400 code 1", answer.status == 400 and answer.json["code"] == 1, answer)
    answer = curl("PATCH", f"/licenses/{MISSING_ID}", *bodies("first")["form"])
    case("PATCH of a missing id is 404 code 6", answer.status == 404 and answer.json["code"] == 6, answer)
    for verb in ("PUT", "PATCH", "DELETE"):
        answer = curl(verb, "/licenses")
        case(f"{verb} on the collection is 405", answer.status == 405, answer)
    answer = curl("GET", "/no-such-thing")
    case("an unknown path is 404", (answer.status, answer.json) == (404, {"message": "Not found"}), answer)


def refuses_bodies():
    before = everything()
    kept = next(iter(before))
    for form, body in bodies("tampered").items():
        for verb, path in (("POST", ""), ("PUT", f"/{uuid.uuid4()}"), ("PATCH", f"/{kept}")):
            answer = curl(verb, f"/licenses{path}", *body)
            told = answer.status == 400 and answer.json["code"] == 2
            told = told and "validation failed" in answer.json["message"] and "@entity" in answer.json["fields"]
            case(f"{verb} {form} of a tampered license is 400 and says so", told, answer)
    answer = curl("POST", "/licenses", *json_body({"id": kept, "payload": document("first")}))
    case("POST with an id in use is 400 code 3", answer.status == 400 and answer.json["code"] == 3, answer)
    answer = curl("POST", "/licenses", *json_body({"payload": json.loads(document("first"))}))
    told = answer.status == 400 and answer.json["fields"] == {"payload": "expected a string"}
    case("a payload that is an object is 400", told, answer)
    answer = curl("POST", "/licenses")
    told = answer.status == 400 and answer.json["fields"] == {"payload": "required field missing"}
    case("POST without a body is 400", told, answer)
    answer = curl("POST", "/licenses", *json_body("{"))
    case("broken JSON is 400", answer.body == b'{"message":"Cannot parse JSON body"}', answer)
    answer = curl("POST", "/licenses", "--header", "Content-Type: text/plain", "--data", "x")
    case("another content type is 415", answer.status == 415, answer)
    case("no refusal changed a row", everything() == before)


def main():
    answer = curl("GET", "/licenses")
    case("the list starts empty", answer.json == {"data": [], "next": None}, answer)
    for group in (creates, reads, changes, second_pass, deletes, pages):
        group()
    for group in (refuses_callers, refuses_paths, refuses_bodies):
        group()
    finish()


main()
