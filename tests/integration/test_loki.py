"""Log records reach Loki in batches, or are counted; the chat never waits for them."""

import logging
import time
from collections.abc import Callable, Iterator

import pytest
from prometheus_client import REGISTRY

from chatsite import embedded
from metrics import loki
from tests.loki import FakeLoki

DEADLINE_S = 30.0
PUSH_TIMEOUT_S = 10.0
"""So long that only a Loki that is silent on purpose lets it pass."""


@pytest.fixture
def fake() -> Iterator[FakeLoki]:
    found = FakeLoki()
    yield found
    found.close()


@pytest.fixture
def handler(fake: FakeLoki, monkeypatch: pytest.MonkeyPatch) -> Iterator[loki.LokiHandler]:
    monkeypatch.setattr(loki, "BATCH_GATHER_S", 0.05)
    monkeypatch.setattr(loki, "BREAKER_FIRST_S", 0.02)
    monkeypatch.setattr(loki, "PUSH_TIMEOUT_S", PUSH_TIMEOUT_S)
    monkeypatch.setattr(loki, "CLOSE_TIMEOUT_S", DEADLINE_S)
    found = loki.LokiHandler(fake.url, {"app": "parley", "env": "test", "replica": "r1"})
    yield found
    fake.gate.set()
    found.close()


def record(message: str, *, name: str = "chat", level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, message, (), None)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def dropped(reason: str) -> float:
    name = "parley_log_records_dropped_total"
    return REGISTRY.get_sample_value(name, {"reason": reason}) or 0.0


def test_records_arrive_together_with_their_own_time(
    fake: FakeLoki, handler: loki.LokiHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(handler, "_ensure_thread", lambda: None)  # it begins when all are there
        first = record("one")
        first.created = 1_795_476_136.5
        for each in (first, record("two"), record("three", level=logging.ERROR)):
            handler.emit(each)
    handler._ensure_thread()
    until(lambda: len(fake.lines()) == 3)
    assert ("1795476136500000000", "one") in fake.lines()
    assert len(fake.pushes) == 1
    assert fake.pushes[0]["path"] == "/loki/api/v1/push"


def test_labels_are_few_and_fixed(fake: FakeLoki, handler: loki.LokiHandler) -> None:
    handler.emit(record("one", name="chat.feed", level=logging.ERROR))
    until(fake.lines)
    [stream] = fake.pushes[0]["streams"]
    assert stream["stream"] == {
        "app": "parley",
        "env": "test",
        "replica": "r1",
        "severity": "error",
    }


def test_a_silent_loki_costs_the_caller_nothing_and_memory_is_bounded(
    fake: FakeLoki, handler: loki.LokiHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.gate.clear()
    before = dropped("full")
    started = time.perf_counter()
    for n in range(loki.QUEUE_MAX_RECORDS + 2 * loki.BATCH_MAX_RECORDS):
        handler.emit(record(str(n)))
    assert time.perf_counter() - started < PUSH_TIMEOUT_S, "it waited for an answer"
    assert dropped("full") - before >= loki.BATCH_MAX_RECORDS
    assert handler._queue.qsize() <= loki.QUEUE_MAX_RECORDS


@pytest.mark.parametrize("status", [500, 503, 429])
def test_what_loki_cannot_take_now_is_sent_again(
    fake: FakeLoki, handler: loki.LokiHandler, status: int
) -> None:
    fake.status = status
    handler.emit(record("kept"))
    until(lambda: handler._queue.empty())
    fake.status = 204
    until(lambda: [line for _, line in fake.lines()] == ["kept"])


def test_what_loki_will_never_take_is_counted(fake: FakeLoki, handler: loki.LokiHandler) -> None:
    fake.status = 400
    before = dropped("refused")
    handler.emit(record("too old"))
    until(lambda: dropped("refused") == before + 1)


def test_a_loki_that_is_not_there_is_waited_for(handler: loki.LokiHandler) -> None:
    port = embedded.free_port()
    early = loki.LokiHandler(f"http://127.0.0.1:{port}", {"app": "parley"})
    early.emit(record("early"))
    until(lambda: early._queue.empty())
    late = FakeLoki(port)
    try:
        until(lambda: [line for _, line in late.lines()] == ["early"])
    finally:
        early.close()
        late.close()


def test_it_does_not_feed_on_itself(fake: FakeLoki, handler: loki.LokiHandler) -> None:
    handler.emit(record("Starting new HTTP connection", name="urllib3.connectionpool"))
    handler.emit(record("real"))
    until(fake.lines)
    assert [line for _, line in fake.lines()] == ["real"]


def test_what_waits_is_sent_at_the_end(fake: FakeLoki, handler: loki.LokiHandler) -> None:
    for n in range(10):
        handler.emit(record(str(n)))
    handler.close()
    assert len(fake.lines()) == 10


def test_what_cannot_be_sent_at_the_end_is_counted_and_waited_for_briefly(
    fake: FakeLoki, handler: loki.LokiHandler
) -> None:
    fake.status = 503
    before = dropped("closing")
    handler.emit(record("never"))
    until(lambda: handler._queue.empty())
    started = time.monotonic()
    handler.close()
    assert time.monotonic() - started < loki.CLOSE_TIMEOUT_S, "it was not given up"
    assert dropped("closing") == before + 1
