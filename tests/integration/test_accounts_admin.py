"""People and logins in the admin, where the same rules hold."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts import selectors
from accounts.models import User
from tests import people
from tests.people import OTHER_PASSWORD, PASSWORD, Api, fill

LIST = "/admin/accounts/user/"


@pytest.fixture
def admin() -> Client:
    """The browser of somebody who may do everything, signed in by the admin's own form."""
    name = people.admin("mona").username
    client = people.browser()
    response = fill(client, "/admin/login/?next=/admin/", username=name, password=PASSWORD)
    assert response.status_code == 302
    return client


def change(admin: Client, user: User, **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "username": user.username,
        "email": user.email,
        "display_name": user.display_name,
        "status_text": user.status_text,
        "is_active": "on",
        "shares_presence": "on",
        "shares_receipts": "on",
        **changes,
    }
    present = {name: value for name, value in fields.items() if value is not None}
    return fill(admin, f"{LIST}{user.pk}/change/", **present)


def act(admin: Client, action: str, path: str, pk: object) -> Any:
    return fill(admin, path, action=action, _selected_action=str(pk))


def test_begins_a_login_like_any_other(admin: Client) -> None:
    me = Api(client=admin).get("/me")

    assert me.status == 200
    assert [s.kind for s in selectors.sessions_live(user_id=me.body["id"])] == ["page"]


def test_is_closed_to_others() -> None:
    stranger = people.browser(people.person("charlie"))

    assert stranger.get("/admin/").status_code == 302
    assert stranger.get(LIST).status_code == 302


def test_is_throttled_like_any_other_way_in() -> None:
    name = people.admin("mona").username
    client = people.browser()
    for _ in range(10):
        fill(client, "/admin/login/", username=name, password="wrong")

    response = fill(client, "/admin/login/", username=name, password=PASSWORD)

    assert response.status_code == 200
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        LIST,
        f"{LIST}?q=.*",
        f"{LIST}add/",
        "/admin/accounts/session/",
        "/admin/auth/group/",
        "/admin/auth/group/add/",
    ],
)
def test_shows_its_pages_under_the_strict_policy(admin: Client, path: str) -> None:
    response = admin.get(path)

    assert response.status_code == 200
    assert "unsafe" not in response["Content-Security-Policy"]


def test_lets_staff_do_what_they_were_given(admin: Client) -> None:
    mona, alice = people.person("mona"), people.person("alice")
    mona.is_staff = True
    mona.save()
    group = Group.objects.create(name=people.unique("moderators"))
    for codename in ("view_user", "change_user"):
        group.permissions.add(Permission.objects.get(codename=codename))
    mona.groups.add(group)
    mona.user_permissions.add(Permission.objects.get(codename="view_session"))
    staff = people.browser(mona)

    assert change(staff, alice, status_text="seen").status_code == 302
    assert admin.get(f"/admin/auth/group/{group.pk}/change/").status_code == 200
    assert staff.get("/admin/auth/group/").status_code == 403
    assert staff.get("/admin/accounts/session/").status_code == 200
    assert staff.get("/admin/accounts/user/add/").status_code == 403
    assert mona.get_all_permissions() == {
        "accounts.view_user",
        "accounts.change_user",
        "accounts.view_session",
    }


def test_finds_people_by_how_their_name_or_address_begins(admin: Client) -> None:
    alice, bob = people.person("alice"), people.person("bob")

    page = admin.get(LIST, {"q": alice.username.upper()}).content.decode()

    assert alice.username in page
    assert bob.username not in page


def test_makes_people_by_the_same_rules(admin: Client) -> None:
    taken, name = people.person("alice"), people.unique("alice")
    fields = {
        "email": f"{name}@Example.org",
        "display_name": "",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }

    refused = fill(admin, f"{LIST}add/", **{**fields, "username": taken.username.upper()})
    odd = fill(admin, f"{LIST}add/", **{**fields, "username": "a b"})
    made = fill(admin, f"{LIST}add/", **{**fields, "username": name})

    assert "taken" in refused.content.decode()
    assert odd.status_code == 200
    assert made.status_code == 302
    assert people.signed_in(User.objects.get(username_key=name))
    assert selectors.user_by_email(f"{name}@example.org") is not None


def test_changes_people_and_tells_of_it(admin: Client) -> None:
    alice = people.person("alice")

    response = change(admin, alice, display_name=" Ada  L ")

    assert response.status_code == 302
    alice.refresh_from_db()
    assert alice.display_name == "Ada L"
    assert alice.display_key.startswith("ada l")


def test_ends_the_logins_of_those_it_suspends(admin: Client) -> None:
    alice, bob = people.person("alice"), people.person("bob")
    alices, _ = people.signed_in(alice)
    bobs, _ = people.signed_in(bob)

    with people.ended() as told:
        assert change(admin, alice, is_active=None).status_code == 302
        assert act(admin, "suspend", LIST, bob.pk).status_code == 302

    assert [(t["user_id"], t["reason"]) for t in told] == [
        (str(alice.pk), "suspended"),
        (str(bob.pk), "suspended"),
    ]
    assert alices.get("/me").status == bobs.get("/me").status == 401
    assert act(admin, "restore", LIST, bob.pk).status_code == 302
    assert people.signed_in(bob)


def test_ends_the_logins_of_those_whose_password_it_sets(admin: Client) -> None:
    alice = people.person("alice")
    api, _ = people.signed_in(alice)

    response = fill(
        admin,
        f"{LIST}{alice.pk}/password/",
        usable_password="true",
        password1=OTHER_PASSWORD,
        password2=OTHER_PASSWORD,
    )

    assert response.status_code == 302
    assert api.get("/me").status == 401
    assert people.signed_in(alice, OTHER_PASSWORD)


def test_ends_single_logins(admin: Client) -> None:
    alice = people.person("alice")
    api, _ = people.signed_in(alice)
    session = selectors.sessions_live(user_id=str(alice.pk))[0]

    assert act(admin, "end", "/admin/accounts/session/", session.id).status_code == 302

    assert api.get("/me").status == 401


def test_deletes_nobody(admin: Client) -> None:
    alice = people.person("alice")

    assert admin.get(f"{LIST}{alice.pk}/delete/").status_code == 403


def test_leads_to_our_own_page_for_changing_ones_password(admin: Client) -> None:
    assert admin.get("/admin/password_change/")["Location"] == "/accounts/password/"


def test_ends_ones_login_on_leaving(admin: Client) -> None:
    user_id = Api(client=admin).get("/me").body["id"]

    admin.post("/admin/logout/", {"csrfmiddlewaretoken": people.csrf(admin)})

    assert selectors.sessions_live(user_id=user_id) == []
