"""Owns word rules: what they are, which can be kept, and what they make of a text.

Knows no room, person or storage. Patterns are RE2's: matching takes time in proportion to the
text, whatever the pattern, so nobody's pattern and nobody's text can hold the server up; how much
in proportion is bounded by the size of the compiled pattern. Source: docs/moderation.md.
"""

import functools
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import re2

from chat import errors

MASK: Final = "mask"
HOLD: Final = "hold"
REFUSE: Final = "refuse"
DEEDS: Final = (MASK, HOLD, REFUSE)
RULES_MAX: Final = 50
PATTERN_MAX_CHARS: Final = 200
SIZE_MAX: Final = 500
"""RE2's instructions for one pattern."""
TOTAL_SIZE_MAX: Final = 2_000
"""Of all the rules of one list together."""
MASKED_MAX: Final = 50
"""Places that one rule masks one by one; what follows the last of them is masked as a whole."""
LISTS_KEPT: Final = 64
"""Compiled lists of rules that a process keeps."""
MEMORY_BYTES: Final = 1024 * 1024
"""For one compiled pattern and what RE2 remembers of it."""
MASK_CHAR: Final = "•"

logger = logging.getLogger(__name__)


class Rule(msgspec.Struct, frozen=True):
    """What is done with a text that the pattern is found in."""

    pattern: str
    does: str
    is_server: bool = False
    """Holds in every room, and no room's owner can change it."""


class Verdict(msgspec.Struct, frozen=True):
    """`text`: with masks. `by`: the rule that refuses or holds it, None when it may be said."""

    text: str
    by: Rule | None


def stored(rules: Iterable[Mapping[str, Any]], *, is_server: bool = False) -> tuple[Rule, ...]:
    """The rules of a document."""
    return tuple(Rule(rule["pattern"], rule["does"], is_server) for rule in rules)


def checked(given: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Rules as they are stored.

    Raises:
        ValidationFailed: too many, or one that cannot be kept; it says which and why.
    """
    if len(given) > RULES_MAX:
        raise _refused(f"At most {RULES_MAX} rules.")
    total = 0
    for number, rule in enumerate(given, 1):
        if rule["does"] not in DEEDS:
            raise _refused(f"Rule {number}: {', '.join(DEEDS)}, nothing else.")
        total += _size(rule["pattern"], number)
    if total > TOTAL_SIZE_MAX:
        raise _refused("The rules together are too large. Repeat less, or drop some.")
    return [{"pattern": rule["pattern"], "does": rule["does"]} for rule in given]


def judge(rules: tuple[Rule, ...], text: str) -> Verdict:
    """What becomes of a text. A refusal goes before holding, and both before masks."""
    compiled = _compiled(rules)
    for deed in (REFUSE, HOLD):
        for rule, pattern in compiled:
            if rule.does == deed and pattern.search(text) is not None:
                return Verdict(masked(compiled, text), rule)
    return Verdict(masked(compiled, text), None)


def masked(compiled: "Compiled", text: str) -> str:
    """The text with what the masking rules find put out of sight."""
    for rule, pattern in compiled:
        if rule.does == MASK:
            text = _masked(pattern, text)
    return text


Compiled = tuple[tuple[Rule, Any], ...]


@functools.lru_cache(maxsize=LISTS_KEPT)
def _compiled(rules: tuple[Rule, ...]) -> Compiled:
    """Each list once. What cannot be compiled (a file from elsewhere brought it) has no effect."""
    found = []
    for rule in rules:
        try:
            found.append((rule, re2.compile(rule.pattern, _options())))
        except re2.error:
            logger.warning("a word rule is not an expression and has no effect")
    return tuple(found)


def _masked(pattern: Any, text: str) -> str:
    parts: list[str] = []
    end = 0
    for count, found in enumerate(pattern.finditer(text), 1):
        if count > MASKED_MAX:
            parts.append(_dots(text[end:]))
            return "".join(parts)
        if found.end() > found.start():
            parts += (text[end : found.start()], _dots(found.group()))
            end = found.end()
    return "".join(parts) + text[end:]


def _dots(word: str) -> str:
    """White space stays, so that what is around a mask keeps its lines."""
    return "".join(c if c.isspace() else MASK_CHAR for c in word)


def _size(pattern: str, number: int) -> int:
    if not 0 < len(pattern) <= PATTERN_MAX_CHARS or "\x00" in pattern:
        raise _refused(f"Rule {number}: from 1 to {PATTERN_MAX_CHARS} characters.")
    try:
        compiled = re2.compile(pattern, _options())
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if error.args else "not an expression"
        raise _refused(f"Rule {number}: {said}.") from None
    if compiled.search("") is not None:
        raise _refused(f"Rule {number} fits everything: it is found in an empty text.")
    if compiled.programsize > SIZE_MAX:
        raise _refused(f"Rule {number} is too large. Repeat less.")
    return int(compiled.programsize)


def _options() -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MEMORY_BYTES
    return options


def _refused(said: str) -> errors.ValidationFailed:
    return errors.ValidationFailed(said, fields={"rules": [said]})
