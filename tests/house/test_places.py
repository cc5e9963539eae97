"""What one module alone may do, no other one does."""

import ast
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.house import sins, tree

Detector = Callable[[ast.Module], list[int]]

ALONE: Final[dict[str, tuple[Detector, str]]] = {
    "reads the environment": (sins.reads_environment, "chatsite/env.py"),
    "makes metric objects": (sins.makes_metrics, "metrics/instruments.py"),
    "speaks to the channel layer": (sins.uses_channel_layer, "chat/bus.py"),
    "names keys of Redis": (sins.names_redis_keys, "chat/keys.py"),
}

CAUGHT: Final = [
    (sins.reads_environment, "import os\nos.environ['A']"),
    (sins.reads_environment, "import os\nos.getenv('A')"),
    (sins.reads_environment, "from os import environ"),
    (sins.makes_metrics, "from prometheus_client import Counter"),
    (sins.makes_metrics, "import prometheus_client\nprometheus_client.Gauge('a', 'b')"),
    (sins.uses_channel_layer, "from channels.layers import get_channel_layer"),
    (sins.uses_channel_layer, "from channels import layers"),
    (sins.uses_channel_layer, "import channels.layers"),
    (sins.names_redis_keys, "rds.client().get('recent')"),
    (sins.names_redis_keys, "pipeline.zadd(f'recent:{room}', {})"),
    (sins.names_redis_keys, "key = f'{settings.MONGODB_NAME}:recent'"),
]

FREE: Final = [
    (sins.reads_environment, "environ.get('A')"),
    (sins.makes_metrics, "from collections import Counter"),
    (sins.makes_metrics, "from prometheus_client import REGISTRY"),
    (sins.uses_channel_layer, "from channels.consumer import AsyncConsumer"),
    (sins.names_redis_keys, "rds.client().get(keys.heads())"),
    (sins.names_redis_keys, "headers.get('host')"),
]


def product() -> list[Path]:
    return [tree.ROOT / "manage.py", *tree.modules()]


@pytest.mark.parametrize("what", ALONE)
def test_one_module_alone(what: str) -> None:
    does, home = ALONE[what]
    doing = {tree.name_of(path) for path in product() if does(tree.parsed(path))}
    assert doing == {home}


@pytest.mark.parametrize(("detector", "source"), CAUGHT)
def test_the_rule_catches(detector: Detector, source: str) -> None:
    assert detector(ast.parse(source))


@pytest.mark.parametrize(("detector", "source"), FREE)
def test_the_rule_lets_through(detector: Detector, source: str) -> None:
    assert not detector(ast.parse(source))


def script(source: str) -> str:
    """JavaScript without its comments."""
    return re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", source, flags=re.DOTALL)


def test_only_socket_js_touches_websocket() -> None:
    using = {
        tree.name_of(path)
        for path in tree.files(".js", under="static")
        if re.search(r"\bWebSocket\b", script(tree.text_of(path)))
    }
    assert using == {"static/js/socket.js"}


def test_comments_are_no_script() -> None:
    source = textwrap.dedent(
        """\
        /** Owns the WebSocket
         * of the page. */
        // WebSocket
        const url = "https://example.org"; // WebSocket
        """
    )
    assert "WebSocket" not in script(source)
    assert "https://example.org" in script(source)
