"""Owns what people may be called and how names are compared. Pure: knows no database and no clock.

A *key* is the form in which names are compared, searched and kept unique. Sources of the rules:
docs/protocol.md, "REST" (usernames are unique without case).
"""

import re
import unicodedata
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

USERNAME_MIN: Final = 2
USERNAME_MAX: Final = 32
DISPLAY_NAME_MAX: Final = 64
EMAIL_MAX: Final = 254
STATUS_TEXT_MAX: Final = 100
DISPLAY_KEY_MAX: Final = DISPLAY_NAME_MAX * 18 + 1 + USERNAME_MAX
"""NFKC makes at most 18 characters of one (U+FDFA), a separator and the username follow."""

LAST_CHARACTER: Final = "\U0010ffff"
"""Sorts after every other character, so `[q, q + LAST_CHARACTER)` is "starts with q"."""

_USERNAME = re.compile(rf"[A-Za-z0-9._-]{{{USERNAME_MIN},{USERNAME_MAX}}}")
_SEPARATOR: Final = "\x00"
# Control, unassigned, private, surrogate; and format characters, which hide or reorder text.
# U+200D and U+200C join letters in Indic and Persian names and emoji.
_FORBIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_ALLOWED_FORMAT: Final = frozenset("\u200c\u200d")
# Letters (Hangul fillers) and a symbol (of Braille) of which nothing is seen.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Letters, numbers, punctuation or symbols: something that can be seen.
_VISIBLE: Final = frozenset("LNPS")


def username_problem(username: str) -> str:
    """What is wrong with a username, or ""."""
    if _USERNAME.fullmatch(username):
        return ""
    if not USERNAME_MIN <= len(username) <= USERNAME_MAX:
        return f"A username has {USERNAME_MIN} to {USERNAME_MAX} characters."
    return "A username has only the letters a to z, digits, dots, underscores and hyphens."


def username_key(username: str) -> str:
    return username.lower()


def email_clean(email: str) -> str:
    """The form in which an address is kept: without surrounding space, lower case."""
    return email.strip().lower()


def email_problem(email: str) -> str:
    """What is wrong with a cleaned address, or ""."""
    try:
        validate_email(email)
    except ValidationError:
        return "This is not an e-mail address."
    return "" if len(email) <= EMAIL_MAX else "This address is too long."


def login_key(login: str) -> str:
    """What somebody who signs in is looked up by: an address, or a username (which has no `@`)."""
    return email_clean(login) if "@" in login else username_key(login.strip())


def text_clean(text: str) -> str:
    """One line, composed characters, no surrounding or doubled space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def text_problem(text: str, *, most: int) -> str:
    """What is wrong with a cleaned line shown to others (display name, status), or ""."""
    if len(text) > most:
        return f"At most {most} characters."
    if any(
        c in _BLANK
        or (unicodedata.category(c) in _FORBIDDEN_CATEGORIES and c not in _ALLOWED_FORMAT)
        for c in text
    ):
        return "This has characters that cannot be shown."
    if text and not any(unicodedata.category(c)[0] in _VISIBLE for c in text):
        return "This has nothing that can be seen."
    return ""


def search_key(text: str) -> str:
    """The form in which names are searched: compatible characters composed, no case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def display_key(*, display_name: str, username: str) -> str:
    """Where someone stands in the order of display names; unique, as the username ends it."""
    return f"{search_key(display_name)}{_SEPARATOR}{username_key(username)}"
