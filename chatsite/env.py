"""Owns the environment: the only reader of `os.environ`, typed; a bad value is one clear line.

Knows nothing of Django. `load()` is pure given its mapping; `ENV` is what this process was given.
Commands that are started beside a running `manage.py up` find its database and broker through
the `run.json` that it keeps in the data folder.
"""

import ipaddress
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from chatsite import mail_server

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY_MIN_CHARS = 50
T = TypeVar("T")


class EnvError(ValueError):
    """A variable has a value that cannot be used; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Env:
    """What the environment asks for. Units are in the names."""

    debug: bool
    secret_key: str
    data_dir: Path
    allowed_hosts: tuple[str, ...]
    public_origins: tuple[str, ...]
    mongodb_url: str
    mongodb_name: str
    redis_urls: tuple[str, ...]
    redis_sentinels: tuple[str, ...]
    rate_limits: bool
    trusted_proxies: tuple[str, ...]
    secure_cookies: bool
    replica: str
    app_env: str
    log_level: str
    loki_url: str
    metrics_token: str
    email_url: str
    email_from: str
    access_token_s: int
    refresh_token_s: int
    retention_days: int
    registration: bool
    new_account_hours: int
    new_account_links: bool
    new_account_direct: str
    new_account_messages_per_min: int
    sockets_max: int
    sockets_per_address: int
    running_replicas: tuple[str, ...] = field(default=())


def load(environ: Mapping[str, str]) -> Env:
    """Read and check every variable.

    Raises:
        EnvError: naming the first variable that cannot be used.
    """
    data_dir = Path(_text(environ, "DATA_DIR", str(BASE_DIR / "var"))).resolve()
    running = _running(data_dir)
    debug = _switch(environ, "DEBUG", False)
    mongodb_url = environ.get("MONGODB_URL", "") or running.get("mongodb_url", "")
    redis_url = environ.get("REDIS_URL", "") or running.get("redis_url", "")
    found = Env(
        debug=debug,
        secret_key=_secret_key(environ, data_dir),
        data_dir=data_dir,
        allowed_hosts=_words(environ, "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"),
        public_origins=tuple(
            _checked("PUBLIC_ORIGINS", word, _origin)
            for word in _words(environ, "PUBLIC_ORIGINS", "")
        ),
        mongodb_url=_checked(
            "MONGODB_URL",
            mongodb_url or "mongodb://127.0.0.1:27017/",
            _scheme("mongodb", "mongodb+srv"),
        ),
        mongodb_name=_text(environ, "MONGODB_NAME", "parley"),
        redis_urls=tuple(
            _checked("REDIS_URL", url.strip(), _scheme("redis", "rediss", "unix"))
            for url in (redis_url or "redis://127.0.0.1:6379/0").split(",")
        ),
        redis_sentinels=tuple(
            _checked("REDIS_SENTINELS", word, _scheme("redis", "rediss"))
            for word in _words(environ, "REDIS_SENTINELS", "")
        ),
        rate_limits=_switch(environ, "RATE_LIMITS", True),
        trusted_proxies=tuple(
            _checked("TRUSTED_PROXIES", word, _network)
            for word in _words(environ, "TRUSTED_PROXIES", "")
        ),
        secure_cookies=_switch(environ, "SECURE_COOKIES", False),
        replica=_text(environ, "REPLICA", os.uname().nodename),
        app_env=_text(environ, "APP_ENV", "development" if debug else "production"),
        log_level=_choice(
            environ, "LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        ),
        loki_url=_optional(environ, "LOKI_URL", _scheme("http", "https")),
        metrics_token=environ.get("METRICS_TOKEN", ""),
        email_url=_optional(environ, "EMAIL_URL", _scheme("smtp", "smtps", "console")),
        email_from=_text(environ, "EMAIL_FROM", "parley@localhost"),
        access_token_s=_whole(environ, "ACCESS_TOKEN_S", 15 * 60, low=10, high=24 * 3600),
        refresh_token_s=_whole(environ, "REFRESH_TOKEN_S", 30 * 86400, low=60, high=400 * 86400),
        retention_days=_whole(environ, "RETENTION_DAYS", 0, low=0, high=36_500),
        registration=_switch(environ, "REGISTRATION", True),
        new_account_hours=_whole(environ, "NEW_ACCOUNT_HOURS", 24, low=1, high=24 * 365),
        new_account_links=_switch(environ, "NEW_ACCOUNT_LINKS", True),
        new_account_direct=_choice(
            environ, "NEW_ACCOUNT_DIRECT", "ANYONE", ("ANYONE", "SHARED", "NOBODY")
        ).lower(),
        new_account_messages_per_min=_whole(
            environ, "NEW_ACCOUNT_MESSAGES_PER_MIN", 0, low=0, high=600
        ),
        sockets_max=_whole(environ, "SOCKETS_MAX", 10_000, low=1, high=1_000_000),
        sockets_per_address=_whole(environ, "SOCKETS_PER_ADDRESS", 1_000, low=1, high=1_000_000),
        running_replicas=tuple(running.get("replicas", ())),
    )
    if (
        mail_server.parse(found.email_url)
        and not found.public_origins
        and _any_host(found.allowed_hosts)
    ):
        raise EnvError(
            "PUBLIC_ORIGINS: needed with EMAIL_URL while ALLOWED_HOSTS takes any host, or whoever "
            "asks for a letter says where its links lead"
        )
    return found


def use_settings() -> None:
    """Name the settings module for Django, unless the caller's environment did."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")


def given(name: str) -> str:
    """What this process was given for the variable `name`; "" if nothing."""
    return os.environ.get(name, "").strip()


def for_child(*, without: str = "", **changes: str) -> dict[str, str]:
    """The environment for a child process: ours, changed.

    Args:
        without: leave out variables whose names begin with this.
    """
    kept = {k: v for k, v in os.environ.items() if not without or not k.startswith(without)}
    return kept | changes


def run_file(data_dir: Path) -> Path:
    """Where `manage.py up` says what it runs: `{pid, mongodb_url, redis_url, replicas}`."""
    return data_dir / "run.json"


def secret_key_file(data_dir: Path) -> Path:
    """Where `manage.py up` keeps the key it made on the first start."""
    return data_dir / "secret_key"


def _running(data_dir: Path) -> dict[str, Any]:
    try:
        found = json.loads(run_file(data_dir).read_text())
        os.kill(found["pid"], 0)
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # nothing runs there: the defaults apply
    return dict(found)


def _any_host(hosts: tuple[str, ...]) -> bool:
    """Whether somebody may choose the name by which they ask: any, or any below a name."""
    return any(host == "*" or host.startswith(".") for host in hosts)


def _secret_key(environ: Mapping[str, str], data_dir: Path) -> str:
    key = environ.get("SECRET_KEY", "")
    if key:
        if len(key) < SECRET_KEY_MIN_CHARS:
            raise EnvError(
                f"SECRET_KEY: at least {SECRET_KEY_MIN_CHARS} characters, "
                "or leave it out and use `up`"
            )
        return key
    try:
        return secret_key_file(data_dir).read_text().strip()
    except OSError:
        return ""  # commands that sign nothing work without; `up` makes one, `serve` refuses


def _text(environ: Mapping[str, str], name: str, default: str) -> str:
    return environ.get(name, "").strip() or default


def _words(environ: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    return tuple(w.strip() for w in _text(environ, name, default).split(",") if w.strip())


def _switch(environ: Mapping[str, str], name: str, default: bool) -> bool:
    value = environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in ("1", "on", "true", "yes"):
        return True
    if value in ("0", "off", "false", "no"):
        return False
    raise EnvError(f"{name}: '{value}' is neither on nor off")


def _choice(environ: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = _text(environ, name, default).upper()
    if value not in allowed:
        raise EnvError(f"{name}: '{value}' is none of {', '.join(allowed)}")
    return value


def _whole(environ: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    value = _text(environ, name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise EnvError(f"{name}: '{value}' is not a whole number") from None
    if not low <= number <= high:
        raise EnvError(f"{name}: {number} is not between {low} and {high}")
    return number


def _optional(environ: Mapping[str, str], name: str, check: Callable[[str], str]) -> str:
    value = environ.get(name, "").strip()
    return _checked(name, value, check) if value else ""


def _checked(name: str, value: str, check: Callable[[str], T]) -> T:
    try:
        return check(value)
    except ValueError as error:
        raise EnvError(f"{name}: {error}") from None


def _scheme(*schemes: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if urlsplit(value).scheme not in schemes:
            raise ValueError(
                f"'{value}' does not start with {' or '.join(s + '://' for s in schemes)}"
            )
        return value

    return check


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ValueError(f"'{value}' is neither an address nor a network") from None


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError(f"'{value}' is not an origin such as https://chat.example.org")
    return f"{parts.scheme}://{parts.netloc}"


try:
    ENV = load(os.environ)
except EnvError as error:
    sys.exit(f"parley: {error}")
