"""Owns the way of log records to Loki: bounded, batched, never in the way of chat.

Must not log: whatever goes wrong here is counted, not told. Promise: `emit` only puts into a
bounded queue; a thread of its own sends. While Loki is away a breaker holds the sending back (1 s
doubling to 30 s) and the queue fills; when it is full the newest records are dropped and counted.
Each record keeps its own time. After a lost answer a batch is sent again, so it can arrive twice.
"""

import contextlib
import logging
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from logging_loki.emitter import LokiEmitterV1
from requests import RequestException

from metrics import instruments

QUEUE_MAX_RECORDS = 10_000
BATCH_MAX_RECORDS = 500
BATCH_GATHER_S = 0.5
PUSH_TIMEOUT_S = 2.0
BREAKER_FIRST_S = 1.0
BREAKER_LONGEST_S = 30.0
CLOSE_TIMEOUT_S = 1.5
PUSH_PATH = "/loki/api/v1/push"

_OWN_LOGGERS = ("urllib3", "requests", "charset_normalizer", __name__)

_Entry = tuple[str, str, str]  # severity, nanoseconds since 1970, line


class LokiHandler(logging.Handler):
    """Sends records to Loki's push address.

    Args:
        url: of Loki; without a path, the usual push path is added.
        labels: the same for all records; `severity` is added. Never ids: each is a stream in Loki.
    """

    def __init__(self, url: str, labels: Mapping[str, str]) -> None:
        super().__init__()
        push_url = url if urlsplit(url).path.strip("/") else url.rstrip("/") + PUSH_PATH
        self._emitter = LokiEmitterV1(push_url)
        self._labels = dict(labels)
        self._queue: queue.Queue[_Entry] = queue.Queue(QUEUE_MAX_RECORDS)
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(_OWN_LOGGERS):
            return  # what the sending itself says would feed on itself
        if self._closing.is_set():
            instruments.log_dropped("closing")
            return
        if self._queue.full():  # before it costs anything
            instruments.log_dropped("full")
            self._ensure_thread()
            return
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  (any argument's __str__ may raise; logging must not)
            self.handleError(record)
            return
        entry = (record.levelname.lower(), str(int(record.created * 1e9)), line)
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            instruments.log_dropped("full")
        self._ensure_thread()

    def close(self) -> None:
        """Send what waits, for at most `CLOSE_TIMEOUT_S`; count the rest as dropped."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_TIMEOUT_S)
        if left := self._queue.qsize():
            instruments.log_dropped("closing", left)
        self._emitter.close()
        super().close()

    def _ensure_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._send_all, name="loki", daemon=True)
                self._thread.start()

    def _send_all(self) -> None:
        pause_s = BREAKER_FIRST_S
        while batch := self._next_batch():
            while not self._push(batch):
                if self._closing.wait(pause_s):
                    instruments.log_dropped("closing", len(batch))
                    return
                pause_s = min(pause_s * 2, BREAKER_LONGEST_S)
            pause_s = BREAKER_FIRST_S

    def _next_batch(self) -> list[_Entry]:
        """Waits for a first record, then gathers for a moment. Empty only when closing."""
        batch: list[_Entry] = []
        until = 0.0
        while len(batch) < BATCH_MAX_RECORDS:
            wait_s = max(0.0, until - time.monotonic()) if batch else BATCH_GATHER_S
            if self._closing.is_set():
                wait_s = 0.0
            try:
                batch.append(
                    self._queue.get(timeout=wait_s) if wait_s else self._queue.get_nowait()
                )
            except queue.Empty:
                if batch or self._closing.is_set():
                    break
                continue
            if len(batch) == 1:
                until = time.monotonic() + BATCH_GATHER_S
        return batch

    def _push(self, batch: list[_Entry]) -> bool:
        """Whether the batch is done with: taken, or refused for good (and counted)."""
        try:
            answer = self._emitter.session.post(
                self._emitter.url, json=self._payload(batch), timeout=PUSH_TIMEOUT_S
            )
        except RequestException:
            with contextlib.suppress(RequestException):
                self._emitter.close()  # the next try begins with a new connection
            return False
        if 400 <= answer.status_code < 500 and answer.status_code != 429:
            instruments.log_dropped("refused", len(batch))
            return True
        return bool(answer.ok)

    def _payload(self, batch: list[_Entry]) -> dict[str, Any]:
        values: dict[str, list[list[str]]] = defaultdict(list)
        for severity, at_ns, line in batch:
            values[severity].append([at_ns, line])
        return {
            "streams": [
                {"stream": {**self._labels, "severity": severity}, "values": lines}
                for severity, lines in values.items()
            ]
        }
