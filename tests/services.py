"""Owns the database and broker of a test run: one of each, embedded, in a new folder.

Must not know any test. `configure` has to come before Django's settings are first read; nothing is
started until a test asks for it, so that unit tests wait for nothing.
"""

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from chatsite import embedded, env

WORKERS_MAX = 5
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
# A port is chosen some time before it is listened on: workers that run side by side have their own.
embedded.PORTS = embedded.PORTS[_worker % WORKERS_MAX :: WORKERS_MAX]

_folder = Path(tempfile.mkdtemp(prefix="parley-tests-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)

servers = embedded.Embedded(_folder)
"""The processes; tests that break one bring it back (`servers.start_mongo()`)."""

_secret_key = secrets.token_urlsafe(64)
database_name = f"parley_test_{secrets.token_hex(4)}"


def environment() -> dict[str, str]:
    """What a process of this test run has to be given: for `os.environ` and for child processes."""
    return {
        "DATA_DIR": str(_folder),
        "MONGODB_URL": servers.mongo.url,
        "MONGODB_NAME": database_name,
        "REDIS_URL": servers.redis.url,
        "SECRET_KEY": _secret_key,
        "APP_ENV": "test",
        "REPLICA": "test",
    }


def configure() -> None:
    """Point this process at the servers of the run; what else the shell says of Parley goes."""
    for name in ("LOKI_URL", "RATE_LIMITS", "PUBLIC_ORIGINS", "METRICS_TOKEN", "SECURE_COOKIES"):
        os.environ.pop(name, None)
    os.environ.update(environment())
    env.ENV = env.load(os.environ)  # it was read when this module imported `embedded`


def start() -> None:
    """Start both servers and bring the database up to date."""
    from django.core.management import call_command

    servers.start()
    call_command("migrate", verbosity=0, interactive=False)


def stop() -> None:
    """End both servers."""
    servers.stop()
