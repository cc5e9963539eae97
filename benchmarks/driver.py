"""Owns the load: sockets in one room, messages in flight, and the checking of what arrives.

A program: a plan as JSON in, figures as JSON out. One process, picows on uvloop. Every frame that a
socket gets is compared byte for byte with what the others got in that place: a run in which a
socket missed, doubled or reordered anything does not count.
"""

import asyncio
import gc
import json
import sys
import time
from collections import deque
from typing import Any

import picows
import uvloop

from benchmarks import dialects, figures, stack

CONNECT_AT_ONCE = 20
READY_TIMEOUT_S = 120.0
END_TIMEOUT_S = 60.0
SAMPLED_EVERY = 10
"""Of so many sockets one has the time of each delivery noted."""


class Run:
    """What all sockets share.

    Plan: `url`, `dialect`, `room`, `tokens` (one a socket), `size` of texts, `seconds`, `warm_s`,
    `pids` to read processor time of, `senders` (sockets that send, 1), and one of
    `window`: messages under way, each until every socket has it;
    `acks`: messages that each sender has unacknowledged;
    `every_s`: one message at this interval.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.dialect = dialects.DIALECTS[plan["dialect"]]
        self.sockets: list[Socket] = []
        self.events: list[bytes] = []
        self.arrived: list[int] = []
        self.numbers: list[int] = []
        self.sent_at: list[float] = []
        self.complete = 0
        self.acked = 0
        self.delivered_s: list[float] = []
        self.last_s: list[float] = []
        self.acked_s: list[float] = []
        self.is_measuring = False
        self.is_over = False
        self.by_window = bool(plan.get("window"))
        self.by_acks = bool(plan.get("acks"))

    # --- sending ---

    def say(self, socket: "Socket") -> None:
        number = len(self.sent_at)
        frame = self.dialect.said(self.plan["room"], dialects.text_of(number, self.plan["size"]))
        self.sent_at.append(time.perf_counter())
        socket.unacked.append(number)
        socket.transport.send(picows.WSMsgType.TEXT, frame)

    def next_sender(self) -> "Socket":
        senders: int = self.plan.get("senders", 1)
        return self.sockets[len(self.sent_at) % senders]

    # --- hearing ---

    def first_seen(self, payload: bytes) -> None:
        self.events.append(payload)
        self.numbers.append(dialects.number_in(payload))
        self.arrived.append(0)

    def completed(self, place: int) -> None:
        self.complete += 1
        if self.is_measuring:
            self.last_s.append(time.perf_counter() - self.sent_at[self.numbers[place]])
        if self.by_window and not self.is_over:
            self.say(self.next_sender())

    def ack(self, socket: "Socket") -> None:
        number = socket.unacked.popleft()
        self.acked += 1
        if self.is_measuring:
            self.acked_s.append(time.perf_counter() - self.sent_at[number])
        if self.by_acks and not self.is_over:
            self.say(socket)


class Socket(picows.WSListener):
    """One socket: at which place of the log it is."""

    def __init__(self, run: Run, *, is_sampled: bool) -> None:
        super().__init__()
        self.run = run
        self.is_sampled = is_sampled
        self.place = 0
        self.unacked: deque[int] = deque()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: Any = None

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport
        for frame in self.run.dialect.opening():
            transport.send(picows.WSMsgType.TEXT, frame)

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
            return
        if frame.msg_type == picows.WSMsgType.CLOSE:
            raise SystemExit(f"closed with {frame.get_close_code()}")
        payload = frame.get_payload_as_bytes()
        run = self.run
        place = self.place
        if place < len(run.events) and run.events[place] == payload:
            pass  # the usual case first: the same bytes that others got here
        elif run.dialect.is_event(payload):
            if place != len(run.events):
                raise SystemExit(f"another event at place {place}: {payload[:200]!r}")
            run.first_seen(payload)
        else:
            self._heard_else(payload)
            return
        self.place = place + 1
        arrived = run.arrived[place] = run.arrived[place] + 1
        if self.is_sampled and run.is_measuring:
            run.delivered_s.append(time.perf_counter() - run.sent_at[run.numbers[place]])
        if arrived == len(run.sockets):
            run.completed(place)

    def _heard_else(self, payload: bytes) -> None:
        if self.run.dialect.is_ack(payload):
            self.run.ack(self)
        elif not self.ready.done() and self.run.dialect.is_ready(payload):
            self.ready.set_result(None)


async def drive(plan: dict[str, Any]) -> dict[str, Any]:
    run = Run(plan)
    started = time.perf_counter()
    await _connect(run)
    connected_s = time.perf_counter() - started
    gc.collect()
    gc.freeze()
    sending = asyncio.create_task(_send(run))
    await asyncio.sleep(plan.get("warm_s", 2.0))
    begin = _mark(run)
    run.is_measuring = True
    await asyncio.sleep(plan["seconds"])
    run.is_measuring = False
    end = _mark(run)
    run.is_over = True
    await sending
    await _settle(run)
    for socket in run.sockets:
        socket.transport.disconnect()
    return _figures(run, begin, end) | {"connected_s": round(connected_s, 2)}


async def _connect(run: Run) -> None:
    gate = asyncio.Semaphore(CONNECT_AT_ONCE)

    async def open_one(number: int, token: str) -> Socket:
        async with gate:
            socket = Socket(run, is_sampled=number % SAMPLED_EVERY == 0)
            await picows.ws_connect(
                lambda: socket,
                run.plan["url"],
                extra_headers=run.dialect.headers(token),
                websocket_handshake_timeout=READY_TIMEOUT_S,
            )
            async with asyncio.timeout(READY_TIMEOUT_S):
                await socket.ready
            return socket

    tokens = enumerate(run.plan["tokens"])
    run.sockets = list(await asyncio.gather(*(open_one(n, token) for n, token in tokens)))


async def _send(run: Run) -> None:
    plan = run.plan
    if run.by_window:
        for _ in range(plan["window"]):
            run.say(run.next_sender())
    elif run.by_acks:
        for socket in run.sockets[: plan["senders"]]:
            for _ in range(plan["acks"]):
                run.say(socket)
    else:
        while not run.is_over:
            run.say(run.next_sender())
            await asyncio.sleep(plan["every_s"])


async def _settle(run: Run) -> None:
    """Wait until everything that was said is everywhere, and acknowledged where that is done."""
    deadline = time.perf_counter() + END_TIMEOUT_S
    while run.complete < len(run.sent_at) or run.acked < _acks_expected(run):
        if time.perf_counter() > deadline:
            raise SystemExit(
                f"sent {len(run.sent_at)}, complete {run.complete}, acked {run.acked}: "
                "this run does not count"
            )
        await asyncio.sleep(0.05)


def _acks_expected(run: Run) -> int:
    return len(run.sent_at) if type(run.dialect).is_ack is not dialects.Dialect.is_ack else 0


def _mark(run: Run) -> dict[str, Any]:
    return {
        "at": time.perf_counter(),
        "deliveries": sum(run.arrived),
        "acked": run.acked,
        "processor": {n: stack.processor_s(pid) for n, pid in run.plan.get("pids", {}).items()},
        "own": time.process_time(),
    }


def _figures(run: Run, begin: dict[str, Any], end: dict[str, Any]) -> dict[str, Any]:
    seconds = end["at"] - begin["at"]
    deliveries = end["deliveries"] - begin["deliveries"]
    acked = end["acked"] - begin["acked"]
    if sorted(run.numbers) != list(range(len(run.sent_at))):
        raise SystemExit("what arrived is not what was sent: this run does not count")

    def ms(values: list[float]) -> dict[str, float]:
        ordered = sorted(values)
        return {
            name: round(figures.percentile(ordered, share) * 1000, 2)
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        }

    busy = {n: end["processor"][n] - begin["processor"][n] for n in end["processor"]}
    return {
        "sockets": len(run.sockets),
        "sent": len(run.sent_at),
        "expected": len(run.sent_at) * len(run.sockets),
        "delivered": sum(run.arrived),
        "deliveries_per_s": round(deliveries / seconds),
        "acks_per_s": round(acked / seconds, 1),
        "messages_per_s": round(deliveries / len(run.sockets) / seconds, 1),
        "delivered_ms": ms(run.delivered_s),
        "everywhere_ms": ms(run.last_s),
        "acked_ms": ms(run.acked_s),
        "processor_share": {n: round(s / seconds, 3) for n, s in busy.items()}
        | {"load": round((end["own"] - begin["own"]) / seconds, 3)},
        "deliveries_per_processor_s": round(
            deliveries / max(sum(s for n, s in busy.items() if n.startswith("replica")), 0.01)
        ),
        "processor_us_per_message": {
            n: round(s / max(deliveries / len(run.sockets), 1) * 1e6) for n, s in busy.items()
        },
    }


def main() -> None:
    plan = json.load(sys.stdin)
    json.dump(uvloop.run(drive(plan)), sys.stdout)


if __name__ == "__main__":
    main()
