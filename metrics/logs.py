"""Owns how log lines look and where they go: JSON to stdout, and to Loki where `LOKI_URL` says so.

Must not know what is logged or why. A line carries the id of the request or connection in whose
course it was written. Message texts, passwords and tokens are never logged by callers; `hide` is
the net below them.
"""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Set by the outermost middleware for the length of a request."""

REQUEST_ID_KEY = "parley.request_id"
"""Where a request itself carries its id: Django tells of 4xx and 5xx after the last middleware."""

connection_id: ContextVar[str] = ContextVar("connection_id", default="")
"""Set by the consumer for the length of a socket."""

LINE_MAX_CHARS = 16_384
"""Longer messages and traces are cut: Loki and terminals refuse or choke on more."""

_SECRETS = (
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "[token]"),
    (re.compile(r"(?i)\b(bearer)\s+[^\s\"',]+"), r"\1 [token]"),
    (re.compile(r"(/password/reset/)[^/\s]+/[^/\s\"']+"), r"\1[hidden]"),
    (re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"), "[hidden]"),
    (
        re.compile(
            r"(?i)([\"']?\b\w*(?:password|passwd|secret|token|refresh|access|sessionid|csrf)\w*[\"']?"
            r"\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&}\"']+)"
        ),
        r"\1[hidden]",
    ),
)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message, replica; ids and trace where known."""

    def __init__(self, *, replica: str) -> None:
        super().__init__()
        self._replica = replica

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "at": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": hide(record.getMessage()),
            "replica": self._replica,
        }
        for name, variable in (("request_id", request_id), ("connection_id", connection_id)):
            # A record made elsewhere (in a thread, for a caller) may carry its own id.
            if value := getattr(record, name, "") or variable.get():
                line[name] = str(value)
        about = getattr(getattr(record, "request", None), "META", {})
        if "request_id" not in line and REQUEST_ID_KEY in about:
            line["request_id"] = about[REQUEST_ID_KEY]
        if record.exc_info:
            line["trace"] = hide(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = hide(self.formatStack(record.stack_info))
        return json.dumps(line, ensure_ascii=False)


def hide(text: str) -> str:
    """`text` without what looks like a token or a password, cut to `LINE_MAX_CHARS`."""
    if len(text) > LINE_MAX_CHARS:
        text = f"{text[:LINE_MAX_CHARS]}… ({len(text) - LINE_MAX_CHARS} more)"
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def config(*, level: str, loki_url: str, app_env: str, replica: str) -> dict[str, Any]:
    """The `LOGGING` setting.

    Django's own handlers (mail to admins, coloured console) are taken away: one way out for all.
    Libraries that tell a line for every connection or request are heard from warnings upward.
    """
    handlers: dict[str, Any] = {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "json",
        }
    }
    if loki_url:
        handlers["loki"] = {
            "()": "metrics.loki.LokiHandler",
            "url": loki_url,
            "labels": {"app": "parley", "env": app_env, "replica": replica},
            "formatter": "json",
        }
    quiet = ("asyncio", "daphne", "httpcore", "httpx", "pymongo", "redis", "twisted", "urllib3")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter, "replica": replica}},
        "handlers": handlers,
        "root": {"level": level, "handlers": list(handlers)},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            **{name: {"level": "WARNING"} for name in quiet},
            # Its receiving task writes a trace a second, for each Redis node, while that is away.
            # The bus watches itself by its beat, says so once, and counts it in a gauge.
            "channels_redis": {"level": "CRITICAL"},
        },
    }
