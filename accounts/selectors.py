"""Owns what may be asked of people and logins. Changes nothing; knows no request.

People are looked up by one key at a time: that is what every database here answers from an index.
"""

import base64
import binascii
from datetime import datetime
from typing import Any, Final, TypedDict

import msgspec
from bson import ObjectId

from accounts import agents, names, stored
from accounts.models import Session, User
from chat import errors
from chatsite import times

USERS_PAGE: Final = 50
QUERY_MAX_CHARS: Final = 64
PUBLIC_FIELDS: Final = {
    "username": 1,
    "display_name": 1,
    "avatar": 1,
    "status_text": 1,
    "is_active": 1,
    "username_key": 1,
    "display_key": 1,
}
# A search answers with those whose username fits, then with those whose display name does.
_PHASES: Final = ("username_key", "display_key")


class PublicUser(TypedDict):
    """A person as others see them on the wire."""

    id: str
    username: str
    display_name: str
    avatar: str
    status_text: str


class OwnUser(PublicUser):
    """A person as they see themselves on the wire."""

    email: str
    is_staff: bool
    shares_presence: bool
    shares_receipts: bool
    created_at: str


class UsersPage(TypedDict):
    results: list[PublicUser]
    next_cursor: str | None


class LiveSession(msgspec.Struct, frozen=True):
    """One login that goes on."""

    id: str
    kind: str
    agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime

    @property
    def device(self) -> str:
        return agents.device(self.agent)


def user_by_id(user_id: str) -> User | None:
    if not ObjectId.is_valid(user_id):
        return None
    return User.objects.filter(pk=ObjectId(user_id)).first()


def user_by_username(username: str) -> User | None:
    return User.objects.filter(username_key=names.username_key(username)).first()


def user_by_email(email: str) -> User | None:
    return User.objects.filter(email=names.email_clean(email)).first()


def user_by_login(login: str) -> User | None:
    """By what people type to sign in: a username or an address."""
    key = names.login_key(login)
    return user_by_email(key) if "@" in key else user_by_username(key)


def user_public(user_id: str) -> PublicUser:
    """A person as others see them, suspended or not (their messages remain).

    Raises:
        NotFound: nobody has this id.
    """
    found = stored.users().find_one({"_id": stored.object_id(user_id)}, PUBLIC_FIELDS)
    if found is None:
        raise errors.NotFound
    return public(found)


def is_as_read(user: User) -> bool:
    """Whether this person may still sign in by what was judged when `user` was read."""
    judged = {"password": user.password, "is_active": True, "must_change_password": False}
    found = stored.users().find_one({"_id": user.pk}, dict.fromkeys(judged, 1)) or {}
    return all(found.get(field) == value for field, value in judged.items())


def user_own(user: User) -> OwnUser:
    """A person as they see themselves."""
    return {
        "id": str(user.pk),
        "username": user.username,
        "display_name": user.display_name,
        "avatar": user.avatar,
        "status_text": user.status_text,
        "email": user.email,
        "is_staff": user.is_staff,
        "shares_presence": user.shares_presence,
        "shares_receipts": user.shares_receipts,
        "created_at": times.to_wire(user.created_at),
    }


def users_search(*, q: str, cursor: str, limit: int = USERS_PAGE) -> UsersPage:
    """People who are not suspended and whose username, or else display name, starts with `q`.

    Case and compatible forms do not matter. Each page is one or two bounded ranges of an index;
    nothing of `q` is ever a pattern. A page may be shorter than `limit` though more follow.

    Raises:
        ValidationFailed: `q` is too long or the cursor is not one of ours.
    """
    if len(q) > QUERY_MAX_CHARS:
        raise errors.ValidationFailed(fields={"q": [f"At most {QUERY_MAX_CHARS} characters."]})
    prefix = names.search_key(" ".join(q.split()))
    phase, after = _cursor_read(cursor, prefix=prefix) if cursor else (0, "")
    results: list[PublicUser] = []
    left = limit
    for index, field in list(enumerate(_PHASES))[phase:]:
        if index == 1 and not prefix:
            break  # everybody was in the first phase
        rows = _range(field, prefix=prefix, after=after, limit=left + 1)
        more = len(rows) > left
        for row in rows[:left]:
            seen = index == 1 and row["username_key"].startswith(prefix)
            if row["is_active"] and not seen:
                results.append(public(row))
        if more:
            last = rows[left - 1][field] if left else after
            return {"results": results, "next_cursor": _cursor_write(index, last)}
        left -= len(rows)
        after = ""
    return {"results": results, "next_cursor": None}


def sessions_live(*, user_id: str, now: datetime | None = None) -> list[LiveSession]:
    """A person's logins that go on, the most recently used first."""
    now = now or times.utc_now()
    found = stored.sessions().find(
        {"user_id": stored.object_id(user_id), "revoked_at": times.NEVER}
    )
    live = [
        LiveSession(
            id=str(document["_id"]),
            kind=document["kind"],
            agent=document["agent"],
            address=document["address"],
            created_at=document["created_at"],
            last_used_at=document["last_used_at"],
            expires_at=document["expires_at"],
        )
        for document in found
        if document["expires_at"] > now
    ]
    return sorted(live, key=lambda session: session.last_used_at, reverse=True)


def session_by_id(session_id: str) -> Session | None:
    if not ObjectId.is_valid(session_id):
        return None
    return Session.objects.filter(pk=ObjectId(session_id)).first()


def public(document: dict[str, Any]) -> PublicUser:
    """What others see of a stored person."""
    return {
        "id": str(document["_id"]),
        "username": document["username"],
        "display_name": document["display_name"],
        "avatar": document["avatar"],
        "status_text": document["status_text"],
    }


def _range(field: str, *, prefix: str, after: str, limit: int) -> list[dict[str, Any]]:
    lower = {"$gt": after} if after else {"$gte": prefix}
    bounds = {**lower, "$lt": prefix + names.LAST_CHARACTER}
    return list(stored.users().find({field: bounds}, PUBLIC_FIELDS).sort(field, 1).limit(limit))


def _cursor_write(phase: int, after: str) -> str:
    return base64.urlsafe_b64encode(f"{phase}{after}".encode()).decode().rstrip("=")


def _cursor_read(cursor: str, *, prefix: str) -> tuple[int, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        text = ""
    phase, after = text[:1], text[1:]
    if phase not in ("0", "1") or (after and not after.startswith(prefix)):
        raise errors.ValidationFailed(fields={"cursor": ["This is not a cursor of this search."]})
    return int(phase), after
