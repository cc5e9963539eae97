"""Owns carrying what accounts tell (Django signals, on any thread) and the server's life into the
house. Knows no rule."""

import asyncio
import logging
from functools import partial
from typing import Any

from pymongo.errors import PyMongoError

from accounts import signals
from chat import bridge, errors, fanout, hub, recheck, vitals
from chat.services import house
from chatsite import health, lifecycle

logger = logging.getLogger(__name__)


def connect() -> None:
    """Listen, once."""
    signals.sessions_ended.connect(_sessions_ended, dispatch_uid="chat")
    signals.profile_changed.connect(_profile_changed, dispatch_uid="chat")
    lifecycle.on_start(_start)
    lifecycle.on_drain(_drain)
    lifecycle.on_stop(_stop)


def _sessions_ended(*, user_id: str, session_ids: list[str], reason: str, **_named: Any) -> None:
    _tell(house.sessions_ended(user=user_id, sessions=session_ids, reason=reason))


def _profile_changed(*, user_id: str, **_named: Any) -> None:
    _tell(house.profile_changed(user=user_id))


def _tell(work: Any) -> None:
    try:
        bridge.run(work)
    except errors.ChatError as error:
        logger.warning("the house could not be told: %s", error.code)
    except PyMongoError as error:  # what it is about is stored: nobody is refused for this
        logger.warning("the house could not be told all: %s", type(error).__name__)


async def _start() -> None:
    bridge.settle(asyncio.get_running_loop())
    here = await hub.current()  # from the start: it answers whoever asks who is here
    house = here.house
    house.watch(vitals.of(house).run, "vitals")
    house.watch(partial(recheck.run, here.everyone), "recheck")
    health.add_detail("bus", lambda: "degraded" if house.bus.degraded else health.OK)


async def _drain() -> None:
    await (await hub.current()).send_away()


async def _stop() -> None:
    await fanout.shut()
