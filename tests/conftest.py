"""Owns what all tests stand on: settings for this run, and servers for those that need them."""

from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest

from tests import services

NEEDS_NO_SERVERS = ("unit", "house", "runs")
STOP_TIMEOUT_S = 30.0
"""What is left open because its end took too long would fail another test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """See tests/runs/test_sockets.py."""
    parser.addoption("--server", default="parley", help="what replicas run on: parley or uvicorn")


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is imported: models need Django, Django needs its settings."""
    hypothesis.settings.register_profile(
        "busy",
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("busy")  # how long anything takes says nothing here
    services.configure()
    # pymongo leaves its socket to the collector when a task ends while it connects for it.
    database = rf"raddr=\('127.0.0.1', {services.servers.mongo.port}\)"
    left = f"ignore:unclosed <socket.socket .*{database}:ResourceWarning"
    config.addinivalue_line("filterwarnings", left)
    from chatsite import env

    env.use_settings()
    import django

    django.setup()
    from tests import cluster

    assert config.getoption("--server") in cluster.SERVERS
    cluster.server = config.getoption("--server")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything outside of these folders gets the real database and broker."""
    for item in items:
        folder = item.path.relative_to(item.config.rootpath / "tests").parts[0]
        if folder not in NEEDS_NO_SERVERS:
            # Not by a marker: which fixtures an item uses is settled when it is collected.
            assert isinstance(item, pytest.Function)
            item.fixturenames[:0] = ["running_services", "loop_clients"]


@pytest.fixture(scope="session")
def running_services() -> Iterator[None]:
    """The database, migrated, and the broker, for the whole run."""
    services.start()
    yield
    from django.db import connections

    connections.close_all()
    services.stop()


@pytest.fixture(scope="module")
async def loop_clients(running_services: None) -> AsyncIterator[None]:
    """What code under test makes for the loop of the run ends with each module, as a replica ends.

    That loop stands still while tests without it run, a minute in some modules. The driver's
    monitor then takes the database for gone, and cancels what the next module asks of it.
    """
    yield
    from chatsite import lifecycle

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "STOP_TIMEOUT_S", STOP_TIMEOUT_S)
        await lifecycle.stop()
