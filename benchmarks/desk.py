"""Owns measuring the moderators' desk: each page with many messages against few, and each deed
until a socket at the other replica is told.

    python -m benchmarks.desk [--messages 200000] [--reports 2000] [--json FILE]

Prints milliseconds (median of `ROUNDS`) and the ratio: no page may grow with the messages kept.
"""

import argparse
import asyncio
import json
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect

from benchmarks import figures, stack
from benchmarks.filler import PASSWORD

ROUNDS: Final = 5
FEW: Final = 1_000
WAIT_S: Final = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--reports", type=int, default=2_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with stack.house() as house, house.replicas(2) as running:
        few_plan = {"room": "", "messages": FEW, "reports": min(given.reports, FEW // 2)}
        few = _measured(house, running, few_plan)
        many_plan = {"room": few[0]["room"], "messages": given.messages, "reports": given.reports}
        many = _measured(house, running, many_plan)
        deeds = asyncio.run(_deeds(running, many[0]))
    print(f"{'page':<36}{FEW:>10,}{given.messages:>10,}{'ratio':>8}")
    for page, before in few[1].items():
        after = many[1][page]
        print(f"{page:<36}{before:>7.1f} ms{after:>7.1f} ms{after / before:>8.2f}")
    print(f"\n{'deed until the other replica':<36}{'':>10}")
    for deed, took in deeds.items():
        print(f"{deed:<36}{took:>7.1f} ms")
    if given.json:
        found = {"machine": figures.machine(), "few": few[1], "many": many[1], "deeds": deeds}
        given.json.write_text(json.dumps(found, indent=1))


def _measured(
    house: stack.House, running: stack.Stack, plan: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, float]]:
    scene = stack.run_program("benchmarks.filler", plan, environ=house.environ)
    return scene, asyncio.run(_pages(running, scene, plan["messages"]))


async def _pages(running: stack.Stack, scene: dict[str, Any], messages: int) -> dict[str, float]:
    async with _staff(running.urls[0], scene["staff"]) as desk:
        search, room = "/admin/chat/event/", scene["room"]
        report = await _first(desk, "/admin/chat/report/", "/admin/chat/report/")
        deep = await _first(desk, f"{search}?q=in:{room}&before_n={messages // 100}", search)
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 365 * 86_400))
        pages = {
            "front page": "/admin/",
            "messages, newest": f"{search}?q=in:{room}",
            "messages, a word of the newest": f"{search}?q=in:{room} message {messages}",
            "messages, a word that is nowhere": f"{search}?q=in:{room} zebra",
            "messages of a person": f"{search}?q=in:{room} from:bob",
            "messages of the first day": f"{search}?q=in:{room} on:{day}",
            "messages, deep": f"{search}?q=in:{room}&before_n={messages // 100}",
            "one message, deep": deep,
            "reports": "/admin/chat/report/",
            "one report": report,
            "rooms": "/admin/chat/room/",
            "one room": f"/admin/chat/room/{room}/change/",
            "held messages": "/admin/chat/heldmessage/",
            "people": "/admin/accounts/user/",
            "one person": f"/admin/accounts/user/{scene['people'][1]}/change/",
            "audit, a week": "/admin/chat/moderationaction/",
            "live": "/admin/live/",
        }
        return {name: await _median(desk, path) for name, path in pages.items()}


@asynccontextmanager
async def _staff(url: str, name: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=60) as desk:
        await desk.get("/admin/login/")
        entered = await _post(desk, "/admin/login/?next=/admin/", username=name, password=PASSWORD)
        assert entered.status_code == 302, entered.status_code
        yield desk


async def _post(desk: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    sent = {**fields, "csrfmiddlewaretoken": desk.cookies["parley_csrf"]}
    return await desk.post(path, data=sent, headers={"Referer": f"{desk.base_url}{path}"})


async def _first(desk: httpx.AsyncClient, path: str, begins: str) -> str:
    """The first link on a page that leads to one of what it lists."""
    return _link((await desk.get(path)).text, begins)


def _link(page: str, begins: str) -> str:
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    return next(
        link.split("?")[0] for link in links if link.startswith(begins) and "/change/" in link
    )


async def _median(desk: httpx.AsyncClient, path: str) -> float:
    took = []
    for _ in range(ROUNDS + 1):  # the first is not counted
        began = time.perf_counter()
        answer = await desk.get(path)
        took.append((time.perf_counter() - began) * 1_000)
        assert answer.status_code == 200, (path, answer.status_code)
    return round(statistics.median(took[1:]), 1)


class Watcher:
    """Bob's socket at the other replica."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    @classmethod
    async def at(cls, url: str, token: str) -> "Watcher":
        headers = {"Authorization": f"Bearer {token}"}
        socket = await connect(
            url.replace("http", "ws", 1) + "/ws/v1/", additional_headers=headers, max_size=None
        )
        watcher = cls(socket)
        await watcher.until(lambda frame: frame["type"] == "hello")
        await socket.send(json.dumps({"id": 1, "type": "resume", "data": {"rooms": {}}}))
        await watcher.until(lambda frame: frame.get("reply_to") == 1)
        return watcher

    async def until(self, fits: Callable[[dict[str, Any]], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not fits(json.loads(await self._socket.recv())):
                pass

    async def closed(self) -> None:
        async with asyncio.timeout(WAIT_S):
            await self._socket.wait_closed()


async def _deeds(running: stack.Stack, scene: dict[str, Any]) -> dict[str, float]:
    room, bob = scene["room"], scene["people"][1]
    watcher = await Watcher.at(running.urls[1], scene["tokens"][1])
    async with (
        _staff(running.urls[0], scene["staff"]) as desk,
        httpx.AsyncClient(
            base_url=running.urls[0] + "/api/v1",
            headers={"Authorization": f"Bearer {scene['tokens'][1]}"},
        ) as bobs,
    ):
        id = str(uuid.uuid4())
        await bobs.post(f"/rooms/{room}/messages", json={"id": id, "text": "Against the rules"})
        message = f"/admin/chat/event/{id.replace('-', '')}/change/"
        person = f"/admin/accounts/user/{bob}/deed/"
        carol = httpx.AsyncClient(
            base_url=running.urls[0] + "/api/v1",
            headers={"Authorization": f"Bearer {scene['tokens'][2]}"},
        )
        async with carol:
            await carol.post(f"/rooms/{room}/messages/{id}/report", json={"reason": "Spam"})
        queue = await desk.get("/admin/chat/report/?status=open")
        path = _link(queue.text, "/admin/chat/report/")

        async def timed(told: Callable[[], Awaitable[None]], where: str, **fields: str) -> float:
            began = time.perf_counter()
            waiting = asyncio.ensure_future(told())
            done = await _post(desk, where, reason="Measured", **fields)
            assert done.status_code == 302, (where, fields, done.status_code)
            await waiting
            return round((time.perf_counter() - began) * 1_000, 1)

        def push(kind: str) -> Callable[[], Awaitable[None]]:
            return lambda: watcher.until(lambda frame: frame.get("type") == kind)

        return {
            "delete a message": await timed(push("message.deleted"), message, deed="delete"),
            "restore it": await timed(push("message.edited"), message, deed="restore"),
            "mute for an hour": await timed(push("member.changed"), path, deed="mute", hours="1"),
            "ban from the room": await timed(push("room.removed"), path, deed="ban", hours="1"),
            "suspend the account": await timed(watcher.closed, person, deed="suspend"),
        }


if __name__ == "__main__":
    main()
