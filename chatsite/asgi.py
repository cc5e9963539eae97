"""Owns the ASGI application: pages and API through Django, sockets through one consumer.

Server-neutral: anything that speaks ASGI 3, lifespan included, can run it; `manage.py serve` is the
server we ship.
"""

from typing import Any, Final

import django

from chatsite import env, lifecycle

env.use_settings()
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  (needs the app registry)
from django.urls import path, re_path  # noqa: E402

from chat import consumers  # noqa: E402
from chatsite.handler import Handler  # noqa: E402  (it reads the settings)

SOCKETS_AT: Final = "/ws/v1/"


async def nowhere(_scope: Any, _receive: Any, send: Any) -> None:
    """A socket anywhere else. `manage.py serve` answers 404 and does not ask."""
    await send({"type": "websocket.close"})


application: Any = ProtocolTypeRouter(
    {
        "lifespan": lifecycle.lifespan,
        "http": Handler(),
        "websocket": URLRouter(
            [
                path(SOCKETS_AT[1:], consumers.SocketConsumer.as_asgi()),
                re_path("", nowhere),  # type: ignore[arg-type]  # Django's are views
            ]
        ),
    }
)
