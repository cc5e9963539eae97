"""Moderators at the desk: what they see and do in the admin, and what others see of it."""

import asyncio
import csv
import io
import time
from typing import Any, Final

import httpx
import pytest

from chat.client import uuid7
from tests.cluster import Cluster
from tests.desk import browsers, desk_of
from tests.journeys.test_losses import obey_s
from tests.wire import Frame, Wire

REASON: Final = "Against rule 3"
_closed = pytest.fixture(autouse=True)(browsers)


class Case:
    """A message of bob's in a channel of alice's, reported by charlie; mona is staff."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    async def begin(self, *, text: str = "Buy cheap watches", group: str = "administrator") -> None:
        names = ("alice", "bob", "charlie", "mona")
        self.alice, self.bob, self.charlie, self.mona = await self.cluster.people(*names)
        self.room = await self.alice.channel(self.bob, self.charlie)
        path = f"/rooms/{self.room}/messages"
        await self.alice.rest.post(path, id=str(uuid7()), text="Good morning")
        sent = await self.bob.rest.post(path, id=str(uuid7()), text=text)
        self.message = sent["message"]["id"] if "message" in sent else sent["id"]
        await self.charlie.rest.post(
            f"/rooms/{self.room}/messages/{self.message}/report", reason="Spam", comment="Again"
        )
        self.desk = await desk_of(self.cluster, self.mona, group)
        self.report = await asyncio.to_thread(self._report_path)

    def _report_path(self) -> str:
        from chat.models import Report

        report = Report.objects.get(message=self.message)
        return f"/admin/chat/report/{report.pk}/change/"

    async def act(self, deed: str, **more: str) -> httpx.Response:
        return await self.desk.post(self.report, deed=deed, reason=REASON, **more)

    async def audit(self, action: str) -> dict[str, Any]:
        from chat.models import ModerationAction

        def read() -> dict[str, Any]:
            entries = ModerationAction.objects.filter(actor_id=self.mona.id)
            [found] = [each for each in entries if each.action == action]
            return {"reason": found.reason, "subject": found.subject, "old": found.old}

        return await asyncio.to_thread(read)


@pytest.fixture
async def case(cluster: Cluster) -> Case:
    found = Case(cluster)
    await found.begin()
    return found


async def within_2_s(wire: Wire, kind: str) -> Frame:
    """The frame of this kind that the socket of the other replica gets in time."""
    return await wire.push(kind, within_s=obey_s())


async def test_the_queue_shows_what_was_reported(case: Case) -> None:
    queue = await case.desk.get("/admin/chat/report/")
    assert queue.status_code == 200
    assert case.report in queue.text
    page = (await case.desk.get(case.report)).text
    for shown in ("Buy cheap watches", "Good morning", "Spam", "Again", case.charlie.username):
        assert shown in page


async def test_a_deleted_message_goes_from_every_screen(case: Case) -> None:
    wire = await case.alice.wire(at=1)
    assert (await case.act("delete")).status_code == 302
    frame = await within_2_s(wire, "message.deleted")
    assert frame["data"]["id"] == case.message
    await wire.close()
    audit = await case.audit("message_delete")
    assert audit["reason"] == REASON
    assert audit["old"]["text"] == "Buy cheap watches"


async def test_whoever_reported_is_told_once(case: Case) -> None:
    wire = await case.charlie.wire(at=1)
    await case.act("delete")
    room = (await within_2_s(wire, "room.added"))["room"]
    await wire.close()
    told = await case.charlie.rest.get(f"/rooms/{room}/messages")
    assert [each["text"] for each in told["results"]] == [
        "Thank you for your report. The message was deleted."
    ]
    again = await case.act("dismiss")  # by a colleague who had the page open
    assert again.status_code == 302
    assert (await case.charlie.rest.get(f"/rooms/{room}"))["head_n"] == 1


async def test_a_dismissed_report_leaves_the_message(case: Case) -> None:
    await case.act("dismiss")
    page = await case.alice.rest.get(f"/rooms/{case.room}/messages")
    assert page["results"][-1]["text"] == "Buy cheap watches"
    assert (await case.audit("report_dismissed"))["reason"] == REASON


async def test_the_muted_cannot_write(case: Case) -> None:
    wire = await case.bob.wire(at=1)
    await case.act("mute", hours="24")
    deadline = time.monotonic() + obey_s()
    while True:
        said = {"room": case.room, "id": str(uuid7()), "text": "Hello?"}
        reply = await wire.ask("message.send", said)
        if "error" in reply:
            break
        assert time.monotonic() < deadline, "he still writes"
        await asyncio.sleep(0.05)
    assert reply["error"]["code"] == "muted"
    await wire.close()
    assert (await case.audit("member_update"))["subject"] == case.bob.id


async def test_the_banned_are_out_and_stay_out(case: Case) -> None:
    wire = await case.bob.wire(at=1)
    await case.act("ban", hours="0")
    await within_2_s(wire, "room.removed")
    await wire.close()
    assert (await case.audit("ban"))["reason"] == REASON
    async with httpx.AsyncClient(base_url=case.cluster.urls[1] + "/api/v1", timeout=30) as http:
        mine = {"Authorization": f"Bearer {await case.bob.rest.token()}"}
        joined = await http.post(f"/rooms/{case.room}/join", headers=mine)
        assert joined.status_code == 403
        path = f"/admin/chat/room/{case.room}/change/"
        assert REASON in (await case.desk.get(path)).text
        await case.desk.post(path, form="lift", user=case.bob.id, reason="Enough")
        joined = await http.post(f"/rooms/{case.room}/join", headers=mine)
        assert joined.status_code == 204
    assert (await case.audit("ban_lift"))["reason"] == "Enough"


async def test_the_suspended_lose_their_socket(case: Case) -> None:
    wire = await case.bob.wire(at=1)
    await case.act("suspend")
    async with asyncio.timeout(obey_s()):
        assert await wire.closed() == 4403
    assert (await case.audit("suspend"))["subject"] == case.bob.id


async def test_without_a_reason_nothing_is_done(case: Case) -> None:
    page = await case.desk.post(case.report, deed="delete", reason=" ")
    assert page.status_code == 200
    shown = await case.alice.rest.get(f"/rooms/{case.room}/messages")
    assert shown["results"][-1]["text"] == "Buy cheap watches"


async def test_moderators_do_not_suspend(cluster: Cluster) -> None:
    case = Case(cluster)
    await case.begin(group="moderator")
    page = await case.desk.get(case.report)
    assert "Delete the message" in page.text
    assert "Suspend the account" not in page.text
    assert (await case.act("suspend")).status_code == 403
    assert (await case.act("delete")).status_code == 302
    assert (await case.desk.get("/admin/chat/moderationaction/")).status_code == 200
    assert (await case.desk.get("/admin/auth/group/")).status_code == 403


LISTS: Final = {
    "chat/report": "moderator", "chat/event": "moderator", "chat/room": "moderator",
    "chat/moderationaction": "moderator", "chat/heldmessage": "moderator",
    "accounts/user": "moderator", "chat/serverrules": "administrator",
    "accounts/session": "administrator", "auth/group": "superuser",
}  # fmt: skip
"""Who has each list: those of the group, and of those above it."""


def test_every_list_of_the_admin_has_its_row() -> None:
    from django.contrib import admin

    known = {f"{m._meta.app_label}/{m._meta.model_name}" for m in admin.site._registry}
    assert known == set(LISTS)


@pytest.mark.parametrize("group", ["moderator", "administrator"])
async def test_nobody_gets_what_is_for_those_above_them(cluster: Cluster, group: str) -> None:
    desk = await desk_of(cluster, await cluster.person("mona"), group)
    above = {"moderator": ("administrator", "superuser"), "administrator": ("superuser",)}[group]
    for path, least in LISTS.items():
        page = await desk.get(f"/admin/{path}/")
        assert page.status_code == (403 if least in above else 200), path
        may_add = group == "administrator" and path == "accounts/user"
        added = await desk.get(f"/admin/{path}/add/")
        assert added.status_code in ((200,) if may_add else (302, 403, 404)), path
        if added.status_code == 302:  # to a page of its own, that is for reading
            assert "/add" not in added.headers["Location"]


async def test_moderators_change_no_room(cluster: Cluster) -> None:
    case = Case(cluster)
    await case.begin(group="moderator")
    path = f"/admin/chat/room/{case.room}/change/"
    assert (await case.desk.get(path)).status_code == 200
    fields = {"topic": "Mine", "posting": "moderators", "slow_mode_s": "5", "rules": "mask x"}
    for form in ({"form": "settings", **fields}, {"form": "role", "user": case.mona.id}):
        posted = await case.desk.post(path, reason=REASON, **form)
        assert posted.status_code == 403
    assert (await case.alice.rest.get(f"/rooms/{case.room}"))["topic"] == ""


PAGES: Final = ("report", "event", "room", "moderationaction", "moderationaction/csv")


@pytest.mark.parametrize("page", PAGES)
async def test_staff_without_a_group_see_nothing(cluster: Cluster, page: str) -> None:
    [somebody] = await cluster.people("mona")
    desk = await desk_of(cluster, somebody, "")
    assert (await desk.get(f"/admin/chat/{page}/")).status_code == 403


@pytest.mark.parametrize("page", PAGES)
async def test_others_are_asked_to_sign_in(cluster: Cluster, page: str) -> None:
    async with httpx.AsyncClient(base_url=cluster.urls[0], timeout=30) as http:
        assert (await http.get(f"/admin/chat/{page}/")).status_code == 302


async def test_messages_are_found_by_room_author_day_and_word(case: Case) -> None:
    for typed, is_found in (
        (f"in:{case.room} WATCHES", True),
        (f"in:{case.room} from:@{case.bob.username}", True),
        (f"in:{case.room} from:{case.alice.username} watches", False),
        (f"in:{case.room} before:2020-01-01", False),
        (f"in:{case.room} after:2020-01-01", True),
        (f"in:{case.room} .*", False),
    ):
        page = await case.desk.http.get("/admin/chat/event/", params={"q": typed})
        assert page.status_code == 200
        assert ("Buy cheap watches" in page.text) == is_found, typed


@pytest.mark.parametrize("typed", ["watches", "in:nowhere-at-all x", "in:%s on:yesterday"])
async def test_a_search_that_cannot_be_says_why(case: Case, typed: str) -> None:
    typed = typed.replace("%s", case.room)
    page = await case.desk.http.get("/admin/chat/event/", params={"q": typed})
    assert page.status_code == 200
    assert "errornote" in page.text


async def test_edits_are_kept_for_moderators(case: Case) -> None:
    path = f"/rooms/{case.room}/messages/{case.message}"
    await case.bob.rest.patch(path, id=str(uuid7()), text="Buy nothing")
    page = (await case.desk.get(f"/admin/chat/event/{_hex(case.message)}/change/")).text
    assert "Buy nothing" in page
    assert "Buy cheap watches" in page


async def test_a_deleted_message_is_brought_back(case: Case) -> None:
    path = f"/admin/chat/event/{_hex(case.message)}/change/"
    here = f"/rooms/{case.room}/messages/{case.message}"
    await case.bob.rest.patch(here, id=str(uuid7()), text="Buy *dear* watches")
    await case.bob.rest.delete(here)
    assert "dear" in (await case.desk.get(path)).text
    wire = await case.alice.wire(at=1)
    await case.desk.post(path, deed="restore", reason=REASON)
    frame = await within_2_s(wire, "message.edited")
    await wire.close()
    assert (frame["data"]["id"], frame["data"]["deleted_at"]) == (case.message, None)
    assert "<em>dear</em>" in frame["data"]["html"]
    shown = await case.alice.rest.get(here)
    assert {**shown, "seq": 0} == {**frame["data"], "seq": 0}
    audit = await case.audit("message_restore")
    assert (audit["reason"], audit["subject"]) == (REASON, _hex(case.message))
    await case.bob.rest.delete(here)  # and it can be deleted again, and come back again
    assert (await case.alice.rest.get(here))["text"] == ""
    await case.desk.post(path, deed="restore", reason=REASON)
    assert (await case.alice.rest.get(here))["text"] == "Buy *dear* watches"
    again = await case.desk.post(path, deed="restore", reason=REASON)  # a colleague's old page
    assert "not deleted" in (await case.desk.get(str(again.headers["Location"]))).text


async def test_text_is_never_markup(cluster: Cluster) -> None:
    case = Case(cluster)
    await case.begin(text="<script>alert(1)</script>")
    paths = (case.report, f"/admin/chat/event/{_hex(case.message)}/change/")
    for path in paths:
        page = (await case.desk.get(path)).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


async def test_a_room_is_handed_over_and_set(case: Case) -> None:
    path = f"/admin/chat/room/{case.room}/change/"
    assert (await case.desk.get(path)).status_code == 200
    role = await case.desk.post(path, form="role", user=case.bob.id, role="owner", reason=REASON)
    assert role.status_code == 302
    settings = {"topic": "Calm", "posting": "moderators", "slow_mode_s": "5"}
    changed = await case.desk.post(path, form="settings", reason=REASON, **settings)
    assert changed.status_code == 302
    room = await case.bob.rest.get(f"/rooms/{case.room}")
    assert (room["role"], room["topic"], room["posting"]) == ("owner", "Calm", "moderators")
    assert (await case.audit("room_update"))["reason"] == REASON


async def test_the_audit_leaves_as_csv(case: Case) -> None:
    await case.act("dismiss")
    response = await case.desk.get("/admin/chat/moderationaction/csv/")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    mine = [row for row in rows if row["actor"] == case.mona.username]
    assert [(row["action"], row["reason"]) for row in mine] == [("report_dismissed", REASON)]


async def test_the_audit_cannot_be_changed(case: Case) -> None:
    await case.act("dismiss")
    for path in ("/admin/chat/moderationaction/add/",):
        assert (await case.desk.get(path)).status_code == 403


def _hex(message: str) -> str:
    return message.replace("-", "")
