"""Owns sockets that come, resume and stay: how fast they are taken in, what each costs.

A program: a plan as JSON in, figures as JSON out. In: `urls`, `tokens` (one a socket), `cursors`
(of each socket room -> the last seq it has seen), `missed` (how many events each must be given for
that), `at_once`, `steps` (numbers of sockets at which to stop and look), `hold_s` (how long all of
them then stay and say nothing), `pids`. A socket that is given another number of events than it
missed ends the run.
"""

import asyncio
import gc
import json
import sys
import time
from typing import Any

import picows
import uvloop

from benchmarks import dialects, stack

READY_TIMEOUT_S = 120.0
SETTLE_S = 1.0
PARLEY = dialects.Parley()


class Arrival(picows.WSListener):
    """One socket, from its handshake to the reply to its `resume`."""

    def __init__(self, resume: bytes) -> None:
        super().__init__()
        self.resume = resume
        self.events = 0
        self.transport: Any = None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport
        transport.send(picows.WSMsgType.TEXT, self.resume)

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            raise SystemExit(f"closed with {frame.get_close_code()}")
        elif not self.ready.done():
            payload = frame.get_payload_as_bytes()
            if PARLEY.is_event(payload):
                self.events += 1
            elif PARLEY.is_ready(payload):
                self.ready.set_result(None)
            elif payload.startswith(b'{"reply_to":"resume"'):
                raise SystemExit(f"not resumed: {payload[:300]!r}")


async def arrive(plan: dict[str, Any]) -> dict[str, Any]:
    sockets: list[Arrival] = []
    steps = [await _look(plan, 0, 0.0)]
    for wanted in plan["steps"]:
        gc.collect()
        spent_s = await _connect(plan, sockets, wanted)
        await asyncio.sleep(SETTLE_S)
        steps.append(await _look(plan, len(sockets), spent_s))
    before, started = _processor(plan), time.perf_counter()
    await asyncio.sleep(plan["hold_s"])
    held_s = time.perf_counter() - started
    busy = {name: spent - before[name] for name, spent in _processor(plan).items()}
    for socket in sockets:
        socket.transport.disconnect()
    return {
        "steps": steps,
        "held_s": round(held_s, 2),
        "held_share": {name: round(s / held_s, 4) for name, s in busy.items() if held_s > 0.1},
    }


async def _connect(plan: dict[str, Any], sockets: list[Arrival], wanted: int) -> float:
    """Open sockets until there are `wanted`; the seconds it took."""
    gate = asyncio.Semaphore(plan["at_once"])

    async def open_one(number: int) -> None:
        command = {"id": "resume", "type": "resume", "data": {"rooms": plan["cursors"][number]}}
        async with gate:
            socket = Arrival(json.dumps(command).encode())
            await picows.ws_connect(
                lambda: socket,
                plan["urls"][number % len(plan["urls"])].replace("http", "ws", 1) + PARLEY.path,
                extra_headers=PARLEY.headers(plan["tokens"][number]),
                websocket_handshake_timeout=READY_TIMEOUT_S,
            )
            async with asyncio.timeout(READY_TIMEOUT_S):
                await socket.ready
        if socket.events != plan["missed"]:
            raise SystemExit(f"given {socket.events} events, missed {plan['missed']}")
        sockets.append(socket)

    started = time.perf_counter()
    await asyncio.gather(*(open_one(number) for number in range(len(sockets), wanted)))
    return time.perf_counter() - started


async def _look(plan: dict[str, Any], count: int, spent_s: float) -> dict[str, Any]:
    return {
        "sockets": count,
        "seconds": round(spent_s, 3),
        "memory_kb": {name: stack.memory_kb(pid) for name, pid in plan["pids"].items()},
        "processor_s": _processor(plan),
    }


def _processor(plan: dict[str, Any]) -> dict[str, float]:
    return {name: stack.processor_s(pid) for name, pid in plan["pids"].items()}


def main() -> None:
    json.dump(uvloop.run(arrive(json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
