"""Owns one file's way from its first line to its figures, over real sockets.

Knows nothing of accounts or screens: tokens come from a callable, progress goes to one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from chat import client
from chat.replay import cast, log, report, sockets, watch

JOINS_AT_ONCE: Final = 8
STOP_WAIT_S: Final = 5.0
"""How long a line under way may still be acknowledged after the run was stopped."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to replay.

    Args:
        urls: of the replicas.
        speed: times as fast as it was said; 0 is as fast as acknowledged.
        race: people who go at once; 1 keeps the file's order.
        sockets_max: sockets open at once.
    """

    urls: list[str]
    speed: float = 0.0
    race: int = 1
    sockets_max: int = 200


Progress = Callable[[str, int, int], None]
"""(what is being done, how many are done, of how many)."""


async def replay(
    said: log.Log,
    *,
    channel: str,
    options: Options,
    token_of: sockets.TokenOf,
    stop: asyncio.Event,
    progress: Progress,
) -> tuple[report.Figures, report.Sent]:
    """Say all lines of a file in a channel and compare what was seen with what was said.

    Can be repeated: lines that are there already are acknowledged as duplicates. When `stop` is
    set no new line is begun, and the figures are those of what was said until then.
    """
    urls = options.urls

    async def token() -> str:
        return await token_of(cast.WATCHER)

    async with AsyncExitStack() as stack:
        rest = await stack.enter_async_context(client.Rest(urls[0], token))
        room = await room_find_or_make(rest, channel)
        watchers = [
            await stack.enter_async_context(
                watch.Watcher(urls[index:] + urls[:index], token=token, room=room, rest=rest)
            )
            for index in range(len(urls))
        ]
        mouths = await stack.enter_async_context(
            sockets.Sockets(urls, token_of=token_of, limit=options.sockets_max)
        )
        sent = _sent(said, room, race=options.race > 1)
        people = list(dict.fromkeys(sent.owner.values()))

        async def come_in(place: int, person: str) -> None:
            url = urls[place % len(urls)]
            async with client.Rest(url, await token_of(person)) as own:
                await own.insist("POST", f"/rooms/{room}/join")
            if place < options.sockets_max:
                async with mouths.use(person):
                    pass  # connected, and stays so until others need the place

        await _each(people, come_in, stop=stop, progress=progress)
        began = time.monotonic()
        await _say(said, room, mouths, sent, options=options, stop=stop, progress=progress)
        seconds = time.monotonic() - began
        new = {one for one, duplicate in sent.acked.items() if not duplicate}
        for watcher in watchers:
            await watcher.await_all(new)
        seen, seqs = await watch.log_read(rest, room)
        figures = report.compare(
            sent, watchers=[await watcher.seen() for watcher in watchers], log=seen, seqs=seqs
        )
        counts = mouths.counts()
        figures.broken = counts.broken + sum(watcher.chat.counts.broken for watcher in watchers)
        figures.resent, figures.waited = counts.resent, counts.waited
    figures.name = said.name
    figures.skipped = said.system + said.blank + len(said.unread)
    report.measure(figures, seconds=seconds, ack_s=sent.ack_s)
    return figures, sent


async def room_find_or_make(rest: client.Rest, name: str) -> str:
    """The id of the public channel of this name, joined; made if there is none.

    Raises:
        Refused: there is one of this name that may not be seen or joined.
    """
    try:
        made = await rest.insist("POST", "/rooms", json={"kind": "channel", "name": name})
        return str(made["id"])
    except client.Refused as refusal:
        if refusal.code != "conflict":
            raise
        taken = refusal
    for path, query in (("/rooms", {}), ("/rooms/public", {"q": name})):
        async for room in _pages(rest, path, query):
            if room["name"].casefold() == name.casefold() and room["kind"] == "channel":
                await rest.insist("POST", f"/rooms/{room['id']}/join")
                return str(room["id"])
    raise taken


async def _pages(rest: client.Rest, path: str, query: dict[str, Any]) -> AsyncIterator[Any]:
    cursor = ""
    while True:
        page = await rest.insist("GET", path, query=query | ({"cursor": cursor} if cursor else {}))
        for result in page["results"]:
            yield result
        cursor = page["next_cursor"] or ""
        if not cursor:
            return


async def _each(
    people: list[str],
    come_in: Callable[[int, str], Awaitable[None]],
    *,
    stop: asyncio.Event,
    progress: Progress,
) -> None:
    """Everyone comes in, several at once."""
    waiting = list(enumerate(people))[::-1]

    async def one_after_another() -> None:
        while waiting and not stop.is_set():
            await come_in(*waiting.pop())
            progress("people join", len(people) - len(waiting), len(people))

    async with asyncio.TaskGroup() as group:
        for _ in range(JOINS_AT_ONCE):
            group.create_task(one_after_another())


def _sent(said: log.Log, room: str, *, race: bool) -> report.Sent:
    ids = {log.message_id(said, line, room=room): line for line in said.lines}
    return report.Sent(
        order=list(ids),
        owner={one: cast.key(line.nick) for one, line in ids.items()},
        text={one: line.text for one, line in ids.items()},
        race=race,
    )


async def _say(
    said: log.Log,
    room: str,
    mouths: sockets.Sockets,
    sent: report.Sent,
    *,
    options: Options,
    stop: asyncio.Event,
    progress: Progress,
) -> None:
    """Every line once the one before is acknowledged; in a race, the one before of its person."""
    loop = asyncio.get_running_loop()
    lanes = asyncio.Semaphore(options.race)
    last: dict[str, asyncio.Task[None]] = {}

    async def say(one: str, before: asyncio.Task[None] | None) -> None:
        try:
            if before is not None:
                await before
            async with mouths.use(sent.owner[one]) as chat:
                asked = loop.time()
                ack = await chat.send(room, sent.text[one], id=one)
                sent.ack_s.append(loop.time() - asked)
            sent.acked[one] = ack["duplicate"]
        except client.Refused as refusal:
            sent.refused[one] = str(refusal)
        finally:
            lanes.release()
        progress("lines", len(sent.acked) + len(sent.refused), len(sent.order))

    async def cut_off() -> None:
        await stop.wait()
        await asyncio.sleep(STOP_WAIT_S)
        for task in last.values():
            task.cancel()

    ending = asyncio.create_task(cut_off())
    began = loop.time()
    try:
        async with asyncio.TaskGroup() as group:
            for one, due_s in zip(sent.order, log.due_s(said.lines), strict=True):
                if options.speed:
                    await _wait(stop, until=began + due_s / options.speed)
                await lanes.acquire()
                if stop.is_set():
                    break
                person = sent.owner[one]
                last[person] = group.create_task(say(one, last.get(person)))
    finally:
        ending.cancel()


async def _wait(stop: asyncio.Event, *, until: float) -> None:
    try:
        async with asyncio.timeout_at(until):
            await stop.wait()
    except TimeoutError:
        return
