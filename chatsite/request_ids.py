"""Owns the ids by which a reply is found in the logs. Knows no server and no view."""

import re
import uuid
from typing import Final

HEADER: Final = "X-Request-Id"
GIVEN: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")


def of(given: str) -> str:
    """A proxy's id, if it looks like one, else a new one: what else a client sends never reaches a
    log."""
    return given if GIVEN.fullmatch(given) else uuid.uuid4().hex
