"""The desk: what is done there is in the audit, and its lists read no more than they show."""

import ast
import asyncio
import csv
import io
import re
from typing import Final

import pytest
from bson import ObjectId
from django.apps import apps
from django.contrib.admin import site
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import Index
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from chat import desk
from chat.admin.audit import AuditAdmin
from chat.admin.base import COUNTED_MAX
from chat.models import ModerationAction
from chat.services.audit import Action
from tests import people
from tests.people import OTHER_PASSWORD, PASSWORD, fill

PEOPLE = "/admin/accounts/user/"
GROUPS = "/admin/auth/group/"
AUDIT = "/admin/chat/moderationaction/"
SORT = "'$sort'"


@pytest.fixture(scope="module")
def mona() -> User:
    return people.admin("mona")


@pytest.fixture
def admin(mona: User) -> Client:
    return people.browser(mona)


def entries(subject: object) -> list[ModerationAction]:
    return list(ModerationAction.objects.filter(subject=str(subject)).order_by("pk"))


def test_a_password_that_staff_set_is_in_the_audit(admin: Client, mona: User) -> None:
    bob = people.person("bob")
    page = f"{PEOPLE}{bob.pk}/password/"
    new = {"password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD, "usable_password": "true"}
    assert fill(admin, page, **new).status_code == 302
    taken = {"usable_password": "false", "unset-password": "1"}
    assert fill(admin, page, **taken).status_code == 302
    assert [(each.action, each.actor_id, each.new) for each in entries(bob.pk)] == [
        (Action.PASSWORD_SET, mona.pk, {"usable": True}),
        (Action.PASSWORD_SET, mona.pk, {"usable": False}),
    ]


def test_an_account_that_staff_made_is_in_the_audit(admin: Client) -> None:
    name = people.unique("bob")
    fields = {"username": name, "email": f"{name}@example.org", "display_name": ""}
    password = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert fill(admin, f"{PEOPLE}add/", **fields, **password).status_code == 302
    [made] = entries(User.objects.get(username_key=name).pk)
    assert (made.action, made.new) == (Action.USER_CREATE, {"username": name})


def test_what_a_group_may_do_and_might_before_is_in_the_audit(admin: Client) -> None:
    name = people.unique("group")
    see, ban = (Permission.objects.get(codename=each) for each in ("view_report", "add_ban"))
    assert fill(admin, f"{GROUPS}add/", name=name, permissions=str(see.pk)).status_code == 302
    group = Group.objects.get(name=name)
    page = f"{GROUPS}{group.pk}/"
    assert fill(admin, f"{page}change/", name=name, permissions=str(ban.pk)).status_code == 302
    assert fill(admin, f"{page}delete/", post="yes").status_code == 302
    assert [(each.action, each.old, each.new) for each in entries(group.pk)] == [
        (Action.GROUP_UPDATE, {"may": []}, {"name": name, "may": ["view_report"]}),
        (Action.GROUP_UPDATE, {"may": ["view_report"]}, {"name": name, "may": ["add_ban"]}),
        (Action.GROUP_DELETE, {"name": name, "may": ["add_ban"]}, {}),
    ]


@pytest.mark.parametrize(
    "page",
    ["chat/room", "chat/report", "chat/heldmessage", "chat/event", "accounts/user"],
)
def test_an_id_that_cannot_be_is_a_404(admin: Client, page: str) -> None:
    assert admin.get(f"/admin/{page}/abc/change/").status_code == 404


LISTS: Final = (
    "chat/report/", "chat/heldmessage/", "chat/heldmessage/?status=released", "chat/room/",
    "chat/moderationaction/", "chat/moderationaction/?q=abc", "accounts/user/", "accounts/session/",
)  # fmt: skip


@pytest.mark.parametrize("path", [*LISTS, *(f"{p}{'&' if '?' in p else '?'}o=-2" for p in LISTS)])
def test_a_list_is_in_the_order_of_an_index_and_joins_nothing(admin: Client, path: str) -> None:
    app, model = path.split("/")[:2]
    shown = apps.get_model(app, model)
    with CaptureQueriesContext(connection) as seen:
        assert admin.get(f"/admin/{path}").status_code == 200
    [*_, rows] = [
        each["sql"] for each in seen.captured_queries
        if f"db.{shown._meta.db_table}.aggregate" in each["sql"] and SORT in each["sql"]
    ]  # fmt: skip
    found = re.search(r"aggregate\(\[({'\$match': {('\w+'): .*}}, )?{'\$sort': SON\((.*?)\)}", rows)
    assert found, rows
    matched, by = found[2], ast.literal_eval(found[3])
    equal = [] if matched is None or "$gte" in found[1] else [ast.literal_eval(matched)]
    assert [*equal, *(name for name, _ in by)] in [["_id"], *map(names_of, shown._meta.indexes)]


def names_of(index: Index) -> list[str]:
    return [name.removeprefix("-") for name in index.fields]


def test_a_page_is_counted_without_an_order(admin: Client) -> None:
    with CaptureQueriesContext(connection) as seen:
        admin.get("/admin/chat/report/")
    [counted] = [
        each["sql"] for each in seen.captured_queries if f"'$limit': {COUNTED_MAX}" in each["sql"]
    ]
    assert SORT not in counted


def test_rows_come_with_what_they_refer_to(admin: Client, mona: User) -> None:
    with CaptureQueriesContext(connection) as seen:
        page = admin.get("/admin/accounts/session/").content.decode()
    assert mona.username in page
    [read] = [
        each["sql"] for each in seen.captured_queries
        if "db.accounts_user.aggregate" in each["sql"] and "$in" in each["sql"]
    ]  # fmt: skip
    assert "$expr" not in read


async def test_what_the_list_shows_leaves_as_csv_entry_by_entry(
    mona: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    lines: list[str] = []

    async def names_of(users: list[str]) -> dict[str, str]:
        happened.append("read")
        return dict.fromkeys(users, "mona")

    def answer() -> StreamingHttpResponse:
        for action, subject in ((Action.BAN, "one"), (Action.REMOVE, "two"), (Action.BAN, "three")):
            ModerationAction.objects.create(actor_id=ObjectId(), action=action, subject=subject)
        request = RequestFactory().get(f"{AUDIT}csv/", {"action": "ban"})
        request.user = mona
        found = AuditAdmin(ModerationAction, site).as_csv(request)
        assert isinstance(found, StreamingHttpResponse)
        return found

    monkeypatch.setattr(desk, "names_of", names_of)
    async for piece in await asyncio.to_thread(answer):
        happened.append("sent")
        lines.append(piece.decode())
    # Of an ordinary iterator Django reads the whole before it sends anything.
    assert happened[:5] == ["sent", "read", "sent", "read", "sent"]
    rows = list(csv.DictReader(io.StringIO("".join(lines))))
    assert {row["action"] for row in rows} == {"ban"}
    assert [row["subject"] for row in rows][:2] == ["three", "one"]
