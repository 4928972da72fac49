"""Runs PyPI's aio-kong against the license routes, through its own generic component."""

import asyncio
import uuid
from importlib.metadata import version

from aiohttp import ClientSession
from kong.client import Kong, KongResponseError
from kong.components import CrudComponent, KongEntity

from cases import BASE, MISSING_ID, TOKEN, case, document, finish


def component(session):
    return CrudComponent(Kong(BASE, session=session), KongEntity, "licenses")


async def refused(name, call, status, code=None, says=""):
    """The call must raise the client's own error, with this status, code and text in it."""
    try:
        seen = await call
    except KongResponseError as error:
        message = error.message
        right = error.status == status and says in message.get("message", "")
        case(name, right and (code is None or message.get("code") == code), message)
    else:
        case(name, False, seen)


async def writes_and_reads(licenses):
    case("the list starts empty", await licenses.get_list() == [])
    payload = document("special")
    created = await licenses.create(payload=payload)
    case("create keeps the payload byte for byte", created["payload"] == payload, created)
    got = await licenses.get(created.id)
    case("get answers what create answered", got.data == created.data, got)
    upper = await licenses.get(created.id.upper())
    case("get takes an upper-case UUID", upper.data == created.data, upper)
    case("has is True for a stored license", await licenses.has(created.id) is True)
    case("has is False for a missing one", await licenses.has(MISSING_ID) is False)
    updated = await licenses.update(created.id, payload=document("second"))
    right = updated["payload"] == document("second") and updated["created_at"] == created["created_at"]
    case("update replaces the payload, keeps created_at", right, updated)
    again = await licenses.update(created.id, **updated.data)
    case("update with all fields sent back changes no payload", again["payload"] == updated["payload"], again)
    chosen = str(uuid.uuid4())
    created = await licenses.create(id=chosen, payload=document("first"))
    case("create takes an id", created.id == chosen, created)


async def pages(licenses):
    for name in ("first", "second", "special"):
        await licenses.create(payload=document(name))
    whole = await licenses.get_list(size=1000)
    paged = await licenses.get_full_list(size=2)
    case("pages of two hold every license once", [e.data for e in paged] == [e.data for e in whole], paged)
    paged = await licenses.get_full_list(size=len(whole))
    case("an exactly full page is the last", len(paged) == len(whole), paged)


async def refusals(licenses):
    stored = (await licenses.get_list())[0]
    tampered = document("tampered")
    says = "validation failed"
    await refused("create of a tampered license is 400", licenses.create(payload=tampered), 400, 2, says)
    await refused("update to a tampered license is 400", licenses.update(stored.id, payload=tampered), 400, 2, says)
    case("and the stored one is untouched", (await licenses.get(stored.id)).data == stored.data)
    await refused("create without a payload is 400", licenses.create(), 400, 2, "payload")
    twice = licenses.create(id=stored.id, payload=document("first"))
    await refused("create with an id in use is 400", twice, 400, 3)
    await refused("get of a missing id is 404", licenses.get(MISSING_ID), 404, None, "Not found")
    await refused("get of a non-UUID is 400", licenses.get("not-a-uuid"), 400, 1)
    await refused("delete of a non-UUID is 400", licenses.delete("not-a-uuid"), 400, 1)
    await refused("update of a missing id is 404", licenses.update(MISSING_ID, payload=document("first")), 404, 6)


async def deletes(licenses):
    stored = (await licenses.get_list())[0]
    case("delete is True", await licenses.delete(stored.id) is True)
    case("a second delete is True", await licenses.delete(stored.id) is True)
    case("has is False after delete", await licenses.has(stored.id) is False)
    count = len(await licenses.get_list(size=1000))
    case("delete_all removes the rest", await licenses.delete_all() == count)
    case("the list ends empty", await licenses.get_list() == [])


async def main():
    case("the client is the pinned one", version("aio-kong") == "3.7.2", version("aio-kong"))
    async with ClientSession(headers={"Kong-Admin-Token": TOKEN}) as session:
        licenses = component(session)
        await writes_and_reads(licenses)
        await pages(licenses)
        await refusals(licenses)
        await deletes(licenses)
    async with ClientSession(headers={"Kong-Admin-Token": "x" * 40}) as session:
        await refused("a wrong token is 401", component(session).get_list(), 401)
    finish()


asyncio.run(main())
