"""Owns the load: sockets in rooms, messages under way, and the checking of what arrives.

A program: a plan as JSON in, figures as JSON out. One process, picows on uvloop. Every frame that a
socket gets is compared byte for byte with what the others of its room got in that place: a run in
which a socket missed, doubled or reordered anything does not count.
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

    Plan: `urls` (socket number n is on the n-th, around and around), `dialect`, `tokens` (one a
    socket), `rooms`: of each its `id`, the numbers of its `sockets` and how many of them send
    (`senders`), `size` of texts, `seconds`, `warm_s`, `pids` to read processor time of, and one of
    `window`: messages under way in a room, each until every socket has it;
    `acks`: messages that each sender has unacknowledged;
    `every_s`: one message at this interval, in all.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.dialect = dialects.DIALECTS[plan["dialect"]]
        self.sockets: list[Socket] = []
        self.logs: list[Log] = []
        self.sent_at: list[float] = []
        self.sent_from: list[int] = []
        self.complete = 0
        self.acked = 0
        self.same_s: list[float] = []
        self.other_s: list[float] = []
        self.last_s: list[float] = []
        self.acked_s: list[float] = []
        self.is_measuring = False
        self.is_over = False
        self.by_window = bool(plan.get("window"))
        self.by_acks = bool(plan.get("acks"))

    def say(self, socket: "Socket") -> None:
        number = len(self.sent_at)
        text = dialects.text_of(number, self.plan["size"])
        frame = self.dialect.said(socket.log.room, text)
        self.sent_at.append(time.perf_counter())
        self.sent_from.append(socket.server)
        socket.unacked.append(number)
        socket.transport.send(picows.WSMsgType.TEXT, frame)

    def completed(self, log: "Log", place: int) -> None:
        self.complete += 1
        if self.is_measuring:
            self.last_s.append(time.perf_counter() - self.sent_at[log.numbers[place]])
        if self.by_window and not self.is_over:
            self.say(log.next_sender())

    def ack(self, socket: "Socket") -> None:
        number = socket.unacked.popleft()
        self.acked += 1
        if self.is_measuring:
            self.acked_s.append(time.perf_counter() - self.sent_at[number])
        if self.by_acks and not self.is_over:
            self.say(socket)

    def sampled(self, socket: "Socket", place: int) -> None:
        number = socket.log.numbers[place]
        is_same = self.sent_from[number] == socket.server
        heard = self.same_s if is_same else self.other_s
        heard.append(time.perf_counter() - self.sent_at[number])


class Log:
    """What one room's sockets have heard, in order: the first to hear something writes it."""

    def __init__(self, room: str, *, sockets: int) -> None:
        self.room = room
        self.count = sockets
        self.events: list[bytes] = []
        self.numbers: list[int] = []
        self.arrived: list[int] = []
        self.senders: list[Socket] = []
        self.turn = 0

    def first_heard(self, payload: bytes) -> None:
        self.events.append(payload)
        self.numbers.append(dialects.number_in(payload))
        self.arrived.append(0)

    def next_sender(self) -> "Socket":
        self.turn += 1
        return self.senders[self.turn % len(self.senders)]


class Socket(picows.WSListener):
    """One socket: on which server, and at which place of its room's log it is."""

    def __init__(self, run: Run, log: Log, *, server: int, is_sampled: bool) -> None:
        super().__init__()
        self.run = run
        self.log = log
        self.server = server
        self.is_sampled = is_sampled
        self.place = 0
        self.unacked: deque[int] = deque()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: Any = None

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport
        opening = self.run.dialect.opening()
        for frame in opening:
            transport.send(picows.WSMsgType.TEXT, frame)
        if not opening:
            self.ready.set_result(None)

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        payload = frame.get_payload_as_bytes()
        log = self.log
        place = self.place
        events = log.events
        if place < len(events) and events[place] == payload:
            pass  # the usual case first: the same bytes that others got here
        elif frame.msg_type != picows.WSMsgType.TEXT:
            self._controlled(transport, frame, payload)
            return
        elif self.run.dialect.is_event(payload):
            if place != len(events):
                raise SystemExit(f"another event at place {place}: {payload[:200]!r}")
            log.first_heard(payload)
        else:
            self._heard_else(payload)
            return
        self.place = place + 1
        arrived = log.arrived[place] = log.arrived[place] + 1
        if self.is_sampled and self.run.is_measuring:
            self.run.sampled(self, place)
        if arrived == log.count:
            self.run.completed(log, place)

    def _controlled(self, transport: Any, frame: Any, payload: bytes) -> None:
        if frame.msg_type == picows.WSMsgType.PING:
            transport.send_pong(payload)
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            raise SystemExit(f"closed with {frame.get_close_code()}")

    def _heard_else(self, payload: bytes) -> None:
        dialect = self.run.dialect
        if dialect.is_ack(payload):
            self.run.ack(self)
        elif (answer := dialect.answer(payload)) is not None:
            self.transport.send(picows.WSMsgType.TEXT, answer)
        elif not self.ready.done() and dialect.is_ready(payload):
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
    plan = run.plan
    gate = asyncio.Semaphore(CONNECT_AT_ONCE)
    logs: dict[int, Log] = {}
    for room in plan["rooms"]:
        log = Log(room["id"], sockets=len(room["sockets"]))
        run.logs.append(log)
        logs |= dict.fromkeys(room["sockets"], log)

    async def open_one(number: int, token: str) -> Socket:
        async with gate:
            server = number % len(plan["urls"])
            is_sampled = number // len(plan["urls"]) % SAMPLED_EVERY == 0
            socket = Socket(run, logs[number], server=server, is_sampled=is_sampled)
            await picows.ws_connect(
                lambda: socket,
                plan["urls"][server].replace("http", "ws", 1) + run.dialect.path,
                extra_headers=run.dialect.headers(token),
                websocket_handshake_timeout=READY_TIMEOUT_S,
            )
            async with asyncio.timeout(READY_TIMEOUT_S):
                await socket.ready
            return socket

    tokens = enumerate(plan["tokens"])
    run.sockets = list(await asyncio.gather(*(open_one(n, token) for n, token in tokens)))
    for room, log in zip(plan["rooms"], run.logs, strict=True):
        log.senders = [run.sockets[n] for n in room["sockets"][: room["senders"]]]


async def _send(run: Run) -> None:
    plan = run.plan
    if run.by_window:
        for log in run.logs:
            for _ in range(plan["window"]):
                run.say(log.next_sender())
    elif run.by_acks:
        for log in run.logs:
            for socket in log.senders:
                for _ in range(plan["acks"]):
                    run.say(socket)
    else:
        due = time.perf_counter()
        while not run.is_over:
            run.say(run.logs[len(run.sent_at) % len(run.logs)].next_sender())
            due += plan["every_s"]
            await asyncio.sleep(due - time.perf_counter())


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
    return len(run.sent_at) if run.dialect.acks else 0


def _mark(run: Run) -> dict[str, Any]:
    return {
        "at": time.perf_counter(),
        "deliveries": sum(sum(log.arrived) for log in run.logs),
        "complete": run.complete,
        "acked": run.acked,
        "processor": {n: stack.processor_s(pid) for n, pid in run.plan.get("pids", {}).items()},
        "own": time.process_time(),
        "machine": stack.busy_s(),
    }


def _figures(run: Run, begin: dict[str, Any], end: dict[str, Any]) -> dict[str, Any]:
    seconds = end["at"] - begin["at"]
    deliveries = end["deliveries"] - begin["deliveries"]
    messages = end["complete"] - begin["complete"]
    expected = sum(len(log.numbers) * log.count for log in run.logs)
    numbers = sorted(number for log in run.logs for number in log.numbers)
    if numbers != list(range(len(run.sent_at))):
        raise SystemExit("what arrived is not what was sent: this run does not count")

    def ms(values: list[float]) -> dict[str, float]:
        ordered = sorted(values)
        return {
            name: round(figures.percentile(ordered, share) * 1000, 2)
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        }

    busy = {n: end["processor"][n] - begin["processor"][n] for n in end["processor"]}
    served_s = max(sum(s for n, s in busy.items() if n not in stack.HELPERS), 0.01)
    own_s = end["own"] - begin["own"]
    others_s = max(end["machine"] - begin["machine"] - sum(busy.values()) - own_s, 0.0)
    return {
        "sockets": len(run.sockets),
        "frame_bytes": len(run.logs[0].events[-1]),
        "sent": len(run.sent_at),
        "expected": expected,
        "delivered": sum(sum(log.arrived) for log in run.logs),
        "deliveries_per_s": round(deliveries / seconds),
        "acks_per_s": round((end["acked"] - begin["acked"]) / seconds, 1),
        "messages_per_s": round(messages / seconds, 1),
        "delivered_ms": ms(run.same_s + run.other_s),
        "same_ms": ms(run.same_s),
        "other_ms": ms(run.other_s),
        "everywhere_ms": ms(run.last_s),
        "acked_ms": ms(run.acked_s),
        "processor_share": {n: round(s / seconds, 3) for n, s in busy.items()}
        | {"load": round(own_s / seconds, 3), "others": round(others_s / seconds, 3)},
        "deliveries_per_processor_s": round(deliveries / served_s),
        "processor_us_per_message": round(served_s / max(messages, 1) * 1e6, 1),
    }


def main() -> None:
    plan = json.load(sys.stdin)
    json.dump(uvloop.run(drive(plan)), sys.stdout)


if __name__ == "__main__":
    main()
