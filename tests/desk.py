"""Owns staff at the admin, in browsers without scripts, for journeys. Must not know any test."""

import asyncio
from collections.abc import AsyncIterator

import httpx
from django.contrib.auth.models import Group

from accounts.models import User
from tests.cluster import PASSWORD, Cluster, Person


class Desk:
    """The browser of one member of staff, at the first replica."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path)

    async def post(self, path: str, **fields: str) -> httpx.Response:
        token = self.http.cookies["parley_csrf"]
        return await self.http.post(
            path,
            data={**fields, "csrfmiddlewaretoken": token},
            headers={"Referer": f"{self.http.base_url}{path}"},
        )


def promote(user: str, group: str) -> None:
    person = User.objects.get(pk=user)
    person.is_staff = True
    person.save(update_fields=["is_staff"])
    if group:
        person.groups.add(Group.objects.get(name=group))


_browsers: list[httpx.AsyncClient] = []


async def browsers() -> AsyncIterator[None]:
    """A fixture's body: closes them after each test."""
    yield
    while _browsers:
        await _browsers.pop().aclose()


async def desk_of(cluster: Cluster, person: Person, group: str) -> Desk:
    await asyncio.to_thread(promote, person.id, group)
    http = httpx.AsyncClient(base_url=cluster.urls[0], timeout=30)
    _browsers.append(http)
    await http.get("/admin/login/")
    await Desk(http).post("/admin/login/?next=/admin/", username=person.username, password=PASSWORD)
    return Desk(http)
