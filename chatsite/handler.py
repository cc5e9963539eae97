"""Owns how Django is handed one HTTP request, and that nothing of it stays behind. Knows no route.

Requests are circles of references: what the middlewares hang on them refers back to them. And a
server tells of the client's going away also when the answer is out, which Django takes as an error
and keeps with its trace, its frames and so the whole request and answer. Such a circle takes 35 KB
and stays until garbage is looked for, which is seldom here (chatsite/server/collector.py), and if
that happens in the middle of a request, for hours. So these circles are opened; what is left are
those of a view and its form, an eighth of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http.response import HttpResponseBase

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HANDLED: Final = "parley.request"
"""Where the request is in its scope while it is handled."""


class Handler(ASGIHandler):
    """Django's own, of which nothing stays behind once a request is answered."""

    async def handle(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        is_answered = False

        async def sending(message: Message) -> None:
            nonlocal is_answered
            is_last = message["type"] == "http.response.body" and not message.get("more_body")
            is_answered = is_answered or is_last  # before the server can say that it is over
            await send(message)

        async def receiving() -> Message:
            message = await receive()
            if is_answered and message["type"] == "http.disconnect":
                await asyncio.get_running_loop().create_future()  # until Django ends the listening
            return message

        await super().handle(scope, receiving, sending)
        request = scope.pop(HANDLED, None)
        if is_answered and request is not None:  # else a thread may still be at work on it
            vars(request).clear()

    def create_request(
        self, scope: Mapping[str, Any], body_file: Any
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        made = super().create_request(scope, body_file)
        cast(dict[str, Any], scope)[HANDLED] = made[0]
        return made
