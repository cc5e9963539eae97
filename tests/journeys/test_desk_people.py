"""People at the desk: logins, forcing a new password, who may not change whom; the live page."""

import asyncio
import time
from typing import Final

import httpx
import pytest

from accounts.models import User
from chat.client import Refused
from tests.cluster import PASSWORD, Cluster, Person
from tests.desk import Desk, browsers, desk_of
from tests.journeys.test_losses import login, obey_s

_closed = pytest.fixture(autouse=True)(browsers)
OTHER: Final = "another horse entirely 5"


@pytest.fixture
async def desk(cluster: Cluster) -> Desk:
    return await desk_of(cluster, await cluster.person("mona"), "administrator")


def page_of(person: Person) -> str:
    return f"/admin/accounts/user/{person.id}/"


async def act(desk: Desk, person: Person, deed: str, **more: str) -> httpx.Response:
    fields = {"deed": deed, "reason": "They asked", **more}
    return await desk.post(f"{page_of(person)}deed/", **fields)


async def test_who_must_change_the_password_goes_on_with_another_one_only(
    cluster: Cluster, desk: Desk, bob: Person
) -> None:
    wire = await bob.wire(at=1)
    assert (await act(desk, bob, "force")).status_code == 302
    async with asyncio.timeout(obey_s()):
        assert await wire.closed() == 4401
    async with httpx.AsyncClient(base_url=cluster.urls[1], timeout=30) as http:
        body = {"login": bob.username, "password": PASSWORD}
        error = (await http.post("/api/v1/auth/login", json=body)).json()["error"]
        assert (error["code"], error["reason"]) == ("forbidden", "password_change")
        await http.get("/accounts/login/")
        browser = Desk(http)
        sent = await browser.post("/accounts/login/", login=bob.username, password=PASSWORD)
        assert sent.status_code == 302, sent.text
        moved = await http.get(sent.headers["Location"])
        path = moved.headers["Location"]
        assert "asks you to choose another password" in (await http.get(path)).text
        assert (await http.get("/")).status_code == 302  # they are not in
        same = await browser.post(path, new=PASSWORD, again=PASSWORD)
        assert same.status_code == 422
        done = await browser.post(path, new=OTHER, again=OTHER)
        assert done.status_code == 302, done.text
        body["password"] = OTHER
        assert (await http.post("/api/v1/auth/login", json=body)).status_code == 200
    page = (await desk.get(page_of(bob) + "change/")).text
    assert "password_force: They asked" in page


async def test_one_login_ends_and_the_others_go_on(desk: Desk, bob: Person) -> None:
    other = await login(bob)
    page = (await desk.get(page_of(bob) + "change/")).text
    mine = (await bob.rest.get("/auth/sessions"))["results"]
    current = next(one["id"] for one in mine if one["current"])
    [ended] = [one["id"] for one in mine if not one["current"]]
    assert current in page
    assert "127.0.0.1" in page
    await act(desk, bob, "end", session=ended)
    headers = {"Authorization": f"Bearer {other['access']}"}
    async with httpx.AsyncClient(base_url=bob.cluster.urls[1], headers=headers, timeout=30) as http:
        assert (await http.get("/api/v1/me")).status_code == 401
    assert (await bob.rest.get("/me"))["id"] == bob.id


async def test_the_suspended_come_back_when_reinstated(desk: Desk, bob: Person) -> None:
    await act(desk, bob, "suspend")
    with pytest.raises(Refused):
        await bob.rest.get("/me")
    await act(desk, bob, "reinstate")
    assert (await login(bob))["user"]["id"] == bob.id


async def test_administrators_make_nobody_staff_and_leave_superusers_alone(
    cluster: Cluster, desk: Desk, bob: Person
) -> None:
    root = await cluster.person("root")
    await asyncio.to_thread(
        User.objects.filter(pk=root.id).update, is_staff=True, is_superuser=True
    )
    page = (await desk.get(page_of(bob) + "change/")).text
    assert 'name="is_superuser"' not in page
    fields = {
        "username": bob.username, "email": f"{bob.username}@example.org", "display_name": "Bob",
        "status_text": "", "is_active": "on", "is_staff": "on", "is_superuser": "on",
    }  # fmt: skip
    assert (await desk.post(page_of(bob) + "change/", **fields)).status_code == 302
    stored = await asyncio.to_thread(User.objects.get, pk=bob.id)
    assert (stored.display_name, stored.is_staff, stored.is_superuser) == ("Bob", False, False)
    for deed in ("suspend", "force", "end_all"):
        assert (await act(desk, root, deed)).status_code == 403
    password = {"password1": OTHER, "password2": OTHER, "usable_password": "true"}
    assert (await desk.post(page_of(root) + "password/", **password)).status_code == 403
    assert (await root.rest.get("/me"))["id"] == root.id


async def test_moderators_look_at_people_and_change_none(cluster: Cluster, bob: Person) -> None:
    desk = await desk_of(cluster, await cluster.person("mona"), "moderator")
    page = (await desk.get(page_of(bob) + "change/")).text
    assert bob.username in page
    assert "Suspend" not in page
    assert "127.0.0.1" not in page
    assert (await act(desk, bob, "suspend")).status_code == 403


async def test_the_live_page_shows_every_replica(desk: Desk, bob: Person) -> None:
    replicas = len(bob.cluster.urls)
    for path in ("/admin/live/?part=1", "/admin/live/"):
        deadline = time.monotonic() + 30 * obey_s()
        while True:
            page = await desk.get(path)
            are_all = page.text.count('<tr><th scope="row">') >= replicas
            if are_all and "<polyline" in page.text and "Redis does not answer" not in page.text:
                break
            assert time.monotonic() < deadline, page.text
            await asyncio.sleep(0.2)
    assert "js/desk_live" in page.text
    assert "style=" not in page.text


async def test_the_live_page_is_for_staff(cluster: Cluster) -> None:
    desk = await desk_of(cluster, await cluster.person("mona"), "")
    assert (await desk.get("/admin/live/")).status_code == 403
