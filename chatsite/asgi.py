"""Owns the ASGI application: pages and API through Django, sockets through one consumer.

Server-neutral: anything that speaks ASGI 3, lifespan included, can run it; `manage.py serve` is the
server we ship.
"""

from typing import Any

import django

from chatsite import env, lifecycle

env.use_settings()
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  (needs the app registry)
from django.urls import path  # noqa: E402

from chat import consumers  # noqa: E402
from chatsite.handler import Handler  # noqa: E402  (it reads the settings)

application: Any = ProtocolTypeRouter(
    {
        "lifespan": lifecycle.lifespan,
        "http": Handler(),
        "websocket": URLRouter([path("ws/v1/", consumers.SocketConsumer.as_asgi())]),
    }
)
