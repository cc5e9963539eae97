"""A replica around a few lines of ASGI, for tests of the server itself.

Arguments: port, file that takes what happened. Not a test module; run as a program.
"""

import asyncio
import importlib
import sys
import time
from pathlib import Path
from typing import Any

from chatsite import env, lifecycle

env.use_settings()

from chatsite import server  # noqa: E402  (the settings have to be named first)

port, journal = int(sys.argv[1]), Path(sys.argv[2])
open_sockets: set[int] = set()
fails_to_start = "fail" in sys.argv


ANSWER_S = 1 if "hurry" in sys.argv else 3
"""What an answer may take until it begins, and between two pieces."""
GOES_ON_S = 2.0 + ANSWER_S + 0.5
"""Longer than that: Daphne looks at it every 2 s."""


def note(what: str) -> None:
    with journal.open("a") as file:
        file.write(what + "\n")


@lifecycle.on_start
async def begin() -> None:
    if fails_to_start:
        raise RuntimeError("no store")
    note(f"start on {type(asyncio.get_running_loop()).__module__}")


@lifecycle.on_drain
async def drain() -> None:
    note(f"drain, {len(open_sockets)} sockets")


@lifecycle.on_stop
async def end() -> None:
    note(f"stop, draining {lifecycle.draining()}")


async def length(receive: Any) -> int:
    """Of the body that comes."""
    whole = 0
    while True:
        event = await receive()
        whole += len(event["body"])
        if not event["more_body"]:
            return whole


async def pieces(send: Any, *, for_s: float) -> None:
    """An answer that comes little by little. It stops in its middle if it has no time."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    began_at = time.monotonic()
    await send({"type": "http.response.body", "body": b"x", "more_body": True})
    while time.monotonic() - began_at < for_s:
        await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
    if for_s:
        await send({"type": "http.response.body", "body": b"end"})
    else:
        await asyncio.Event().wait()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        if scope["path"] == "/slow":
            note("slow begins")
            await asyncio.sleep(0.5)
        while scope["path"] == "/never":
            if (await receive())["type"] == "http.disconnect":
                return
        if scope["path"] in ("/goes-on", "/stops"):
            await pieces(send, for_s=GOES_ON_S if scope["path"] == "/goes-on" else 0.0)
            return
        body = b"hello" if scope["path"] != "/length" else str(await length(receive)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
        return
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    open_sockets.add(id(receive))
    while (event := await receive())["type"] != "websocket.disconnect":
        if event.get("text") == "go away":
            await send({"type": "websocket.close", "code": 1011})
        elif event.get("text") == "say much":
            await send({"type": "websocket.send", "text": "x" * 1_000_000})
        else:
            await send({**event, "type": "websocket.send"})
    open_sockets.discard(id(receive))
    note(f"socket ended {event['code']}")


process: Any = importlib.import_module("chatsite.server.process")  # installs the reactor
process.HTTP_TIMEOUT_S = ANSWER_S  # the same waits, shorter
if "hurry" in sys.argv:
    process.http.HEAD_TIMEOUT_S = process.http.BODY_TIMEOUT_S = 1
try:
    server.serve("127.0.0.1", port, application=application, sockets_at="/")
except server.ServeError as error:
    sys.exit(f"refused: {error}")
