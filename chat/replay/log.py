"""Owns the reading of an IRC log: lines that people said, and what was not that.

Pure: knows nothing of rooms or sockets. The format is that of the #ubuntu logs:

    [HH:MM] <nick> text          a message
    [HH:MM]  * nick text         an action ("/me"), said here in italics
    === nick ...                 joins, leaves, renames: not said by anyone
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

NAMESPACE: Final = uuid.UUID("5f0c1c1e-6d1f-5b0e-9c55-3f6f2f4b9a10")
"""Of the ids made here; changing it would make every repeated replay say everything twice."""

DAY_MINUTES: Final = 24 * 60
HALF_DAY_MINUTES: Final = 12 * 60

_MESSAGE = re.compile(r"\[(\d\d):(\d\d)\] <([^>]+)> ?(.*)", re.DOTALL)
_ACTION = re.compile(r"\[(\d\d):(\d\d)\]  ?\* (\S+) ?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """Something that somebody said. `number` is that of the line in its file, from 1."""

    number: int
    minute: int
    nick: str
    text: str


@dataclass(frozen=True, slots=True)
class Log:
    """A file, read. `unread` are lines of no known form: none of the three above."""

    name: str
    lines: tuple[Line, ...]
    system: int
    blank: int
    shortened: int
    unread: tuple[int, ...]


def read(name: str, content: str, *, text_max: int) -> Log:
    """Read a whole file.

    Lines of nothing but white space are counted and left out: nobody can say them. Longer texts
    than `text_max` characters are cut there.
    """
    lines: list[Line] = []
    system = blank = shortened = 0
    unread: list[int] = []
    # Not splitlines(): people's lines hold characters that it would split at.
    for number, raw in enumerate(content.split("\n"), start=1):
        raw = raw.rstrip("\r")
        if raw.startswith("==="):
            system += 1
        elif match := _MESSAGE.fullmatch(raw) or _ACTION.fullmatch(raw):
            hour, minute, nick, said = match.groups()
            text = said.replace("\0", "\ufffd").strip()
            if not text:
                blank += 1
                continue
            if match.re is _ACTION:
                text = f"_{text}_"
            shortened += len(text) > text_max
            lines.append(Line(number, int(hour) * 60 + int(minute), nick, text[:text_max]))
        elif raw.strip():
            unread.append(number)
    return Log(name, tuple(lines), system, blank, shortened, tuple(unread))


def message_id(log: Log, line: Line, *, room: str) -> str:
    """The id that this line has in this room, whenever it is said."""
    parts = (room, log.name, str(line.number), line.nick, line.text)
    return str(uuid.uuid5(NAMESPACE, "\n".join(parts)))


def due_s(lines: Sequence[Line]) -> list[float]:
    """When each line is said, in seconds after the first minute began.

    The log knows minutes only: the lines of one are spread evenly over it. A time far before the
    last one is on the next day.
    """
    due: list[float] = []
    day = last = 0
    start = lines[0].minute if lines else 0
    for minute, group in groupby(lines, key=lambda line: line.minute):
        said = list(group)
        if due and last - minute > HALF_DAY_MINUTES:
            day += 1
        last = minute
        begins_s = (day * DAY_MINUTES + minute - start) * 60
        due.extend(begins_s + 60 * place / len(said) for place in range(len(said)))
    return due
