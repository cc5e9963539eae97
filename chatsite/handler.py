"""Owns how Django is handed one HTTP request: without a thread where none is needed, and so that
nothing of it stays behind. Knows no route.

Django's own way makes a thread for each request, to end what its thread may have begun with the
database, and another one that waits for that to end: most of what a static file costs. Here a
request that stayed on the loop ends there.

Requests are circles of references: what the middlewares hang on them refers back to them. Such a
circle takes 35 KB and stays until garbage is looked for, which is seldom here
(chatsite/server/collector.py), and if that happens in the middle of a request, for hours. So these
circles are opened; what is left are those of a view and its form, an eighth of it.

It follows `ASGIHandler` of Django 5.2.19; a test tells when Django changes that.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from asgiref.sync import SyncToAsync, sync_to_async
from django import db
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Handler(ASGIHandler):
    """Django's own, but for how a request begins and ends."""

    def __init__(self) -> None:
        super().__init__()
        # A request's thread is new: nothing in it is old yet, and these would need it made.
        signals.request_started.disconnect(db.close_old_connections)
        signals.request_started.disconnect(db.reset_queries)

    async def handle(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            set_script_prefix(get_script_prefix(scope))
            await signals.request_started.asend(sender=type(self), scope=scope)
            request, refusal = self.create_request(scope, body)
            if request is not None:
                await self._handle(request, receive, send)
            elif refusal is not None:
                await self.send_response(refusal, send)
                await _close(refusal)

    async def _handle(self, request: HttpRequest, receive: Receive, send: Send) -> None:
        answering = asyncio.create_task(self._answer(request, send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            answering.cancel()  # the client has gone, if it is under way
        await asyncio.wait((answering,))
        if answering.cancelled():
            await signals.request_finished.asend(sender=type(self))
            return  # a thread may still be at work on it
        await _close(answering.result())
        vars(request).clear()

    async def _answer(self, request: HttpRequest, send: Send) -> HttpResponseBase:
        response = await self.run_get_response(request)
        with contextlib.suppress(asyncio.CancelledError):  # there is something to close
            await self.send_response(response, send)
        return response


async def _left(receive: Receive) -> None:
    """Wait until the client has gone: there is nothing else that it can say."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _close(response: HttpResponseBase) -> None:
    """End what belongs to a request, in its thread if it had one."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context in SyncToAsync.context_to_thread_executor:
        await sync_to_async(response.close)()
    else:
        response.close()
