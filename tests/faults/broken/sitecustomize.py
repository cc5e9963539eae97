"""Owns builds that break a promise on purpose (proof that the harness would notice), a clock that
is off, and a replica that logs a lot.

Python imports a module of this name by itself when it starts; only replicas that the harness starts
so have this folder on their path. `FAULTS_BROKEN` names the promise, `FAULTS_CLOCK_S` says by how
much the clock is off, `FAULTS_LOGS_PER_S` how many lines are logged. The product knows nothing of
it: its modules are patched right after they were imported.
"""

import asyncio
import datetime
import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


def ack_before_write(writer: Any) -> None:
    """Answers as soon as a message has its turn; what becomes of it nobody hears."""
    enqueue = writer.Writer.enqueue

    def answered_at_once(self: Any, append: Any) -> Any:
        if append.document["kind"] != "message":
            return enqueue(self, append)

        async def stored() -> Any:
            head = await self._heads.known_or_found(append.room)
            place = writer.appends.place_after(head, append.document)
            document = writer.appends.placed(append.document, place)
            task = asyncio.ensure_future(enqueue(self, append))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            return writer.Stored(document, duplicate=False, frame=append.encode(place))

        return stored()

    writer.Writer.enqueue = answered_at_once


def no_dedupe(writer: Any) -> None:
    """Stores every try under an id of its own."""
    enqueue = writer.Writer.enqueue

    def as_new(self: Any, append: Any) -> Any:
        append.document["_id"] = uuid.uuid4().hex
        return enqueue(self, append)

    writer.Writer.enqueue = as_new


def no_repair(repair: Any) -> None:
    """Never reads what the bus lost."""

    async def nothing(self: Any, *_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    for cls in [each for each in vars(repair).values() if isinstance(each, type)]:
        for name in ("_repair", "_tailing", "_looking", "_look", "_sweep"):
            if name in vars(cls):
                setattr(cls, name, nothing)


def publish_before_commit(writer: Any) -> None:
    """Tells everybody first and writes then; of the writes, every third does not succeed."""
    insert = writer.Writer._insert
    writes = itertools.count(1)

    async def told_first(self: Any, run: Any, places: Any, *, ordered: bool) -> None:
        self._outcomes._committed(
            [
                writer.Committed(
                    w.append.room, place, w.append.document["kind"], w.append.encode(place)
                )
                for w, place in zip(run, places, strict=True)
            ]
        )
        await asyncio.sleep(0.02)  # as long as a slow disk takes
        if next(writes) % 3 == 0:
            raise writer.PyMongoError("a write that was not to be")
        await insert(self, run, places, ordered=ordered)

    writer.Writer._insert = told_first


BUILDS: dict[str, dict[str, Callable[[Any], None]]] = {
    "ack-before-write": {"chat.store.writer": ack_before_write},
    "no-dedupe": {"chat.store.writer": no_dedupe},
    "no-repair": {"chat.repair": no_repair, "chat.fanout": no_repair},
    "publish-before-commit": {"chat.store.writer": publish_before_commit},
}


class Patcher(importlib.abc.MetaPathFinder):
    """Runs a patch once the module that it is for was imported."""

    def __init__(self, patches: dict[str, Callable[[Any], None]]) -> None:
        self._patches = patches

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        patch = self._patches.get(fullname)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path) if patch else None
        if spec is None or spec.loader is None or patch is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            patch(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # that is the patch
        return spec


def clock_off(seconds: float) -> Callable[[Any], None]:
    """Every reading of the time of day is off by so much; timers go on as they do."""
    real = time.time
    time.time = lambda: real() + seconds

    def patch(times: Any) -> None:
        now = times.utc_now
        times.utc_now = lambda: now() + datetime.timedelta(seconds=seconds)

    return patch


def log_a_lot(metrics_logs: Any) -> None:
    """From a thread of its own, once logging is set up: lines as the product's own."""
    per_s = float(os.environ["FAULTS_LOGS_PER_S"])
    logger = metrics_logs.logging.getLogger("chat.faults")

    def talk() -> None:
        number = 0
        while True:
            time.sleep(0.05)
            for _ in range(int(per_s * 0.05)):
                number += 1
                logger.info("line %d of a replica that has a lot to say", number)

    threading.Thread(target=talk, daemon=True).start()


if name := os.environ.get("FAULTS_BROKEN"):
    sys.meta_path.insert(0, Patcher(BUILDS[name]))
if off_s := os.environ.get("FAULTS_CLOCK_S"):
    sys.meta_path.insert(0, Patcher({"chatsite.times": clock_off(float(off_s))}))
if os.environ.get("FAULTS_LOGS_PER_S"):
    sys.meta_path.insert(0, Patcher({"metrics.logs": log_a_lot}))
