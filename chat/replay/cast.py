"""Owns who a nick is on this server: a username that is valid, its own, and always the same.

Pure: knows nothing of accounts. IRC compares nicks without case, and so do people here.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

EMAIL_DOMAIN: Final = "replay.invalid"
"""Marks the people made here; `.invalid` can never be anybody's address (RFC 2606)."""

_PLAIN = re.compile(r"[a-z0-9._-]{2,32}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the logs. `spare` is the username where another account has the first."""

    nick: str
    username: str
    spare: str
    email: str


WATCHER: Final = "replay-watcher"
"""The nick (and key) of who makes the channels and watches."""


def key(nick: str) -> str:
    """The form in which nicks are compared: those that differ in case only are one person."""
    return nick.lower()


def cast(nicks: Iterable[str]) -> dict[str, Person]:
    """key -> person, named as the nick was first written."""
    people: dict[str, Person] = {}
    for nick in nicks:
        people.setdefault(key(nick), _person(nick))
    return people


def _person(nick: str) -> Person:
    plain = key(nick)
    digest = hashlib.sha256(plain.encode()).hexdigest()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:16]
    spare = f"{slug or 'irc'}_{digest[:10]}"
    return Person(
        nick=nick,
        username=plain if _PLAIN.fullmatch(plain) else spare,
        spare=spare,
        email=f"{digest[:24]}@{EMAIL_DOMAIN}",
    )
