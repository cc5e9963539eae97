"""Owns who is speaking: from a token or a cookie to an `Identity`, as the database has it now.

Asynchronous and off the ORM: two or three reads by primary key through PyMongo, no thread, together
for all who come at the same time. Knows no rule of rooms. The edges of pages and REST, which run on
threads, use `accounts.live`.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec
import pymongo
from bson import ObjectId
from django.conf import settings
from pymongo.errors import PyMongoError

from accounts import sessions, tokens
from chat import errors
from chatsite import mongo, times
from chatsite.gathered import Gathered

Claims = tokens.Claims
token_read = tokens.token_read

USER_FIELDS: Final = {
    "username": 1,
    "display_name": 1,
    "avatar": 1,
    "is_staff": 1,
    "is_active": 1,
    "must_change_password": 1,
}
READ_TIMEOUT_S: Final = 5.0
"""For all reads of one question together: everybody waits for the answer, so a database that hangs
must not hold it for as long as the driver would try."""

SESSION_FIELDS: Final = {"user_id": 1, "revoked_at": 1, "expires_at": 1, "last_used_at": 1}
AT_ONCE: Final = 20
"""People or logins in one read: with more, the embedded database takes longer for each."""
Document = dict[str, Any]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who speaks, with what login. `expires_at` is unix seconds; None with a cookie, which lives as
    long as its session (`identities_ended`)."""

    user_id: str
    username: str
    display_name: str
    avatar: str
    session_id: str
    expires_at: float | None
    is_staff: bool

    @property
    def is_authenticated(self) -> bool:
        """What Django and DRF ask of a `request.user`."""
        return True


def identity_of(
    *,
    user: Mapping[str, Any] | None,
    session: Mapping[str, Any] | None,
    expires_at: float | None,
    now: datetime,
) -> Identity:
    """Judge the stored documents of a person and a login.

    Raises:
        Suspended: the person is.
        Unauthenticated: no such person or login, ended, or not one's own.
    """
    if user is None:
        raise errors.Unauthenticated("This account is not in use.")
    if not user["is_active"]:
        raise errors.Suspended
    if user.get("must_change_password"):
        raise errors.Unauthenticated("A new password must be chosen. Please sign in again.")
    if session is None or not session_lives(session, user_id=user["_id"], now=now):
        raise errors.Unauthenticated("This session has ended. Please sign in again.")
    return Identity(
        user_id=str(user["_id"]),
        username=user["username"],
        display_name=user["display_name"],
        avatar=user["avatar"],
        session_id=str(session["_id"]),
        expires_at=expires_at,
        is_staff=user["is_staff"],
    )


def session_lives(session: Mapping[str, Any], *, user_id: ObjectId, now: datetime) -> bool:
    """Whether a stored login is this person's, not ended and not too old."""
    return bool(
        session["user_id"] == user_id
        and session["revoked_at"] == times.NEVER
        and session["expires_at"] > now
    )


async def identity_load(*, user_id: str, session_id: str, expires_at: float | None) -> Identity:
    """Who the claims of a token speak of, as stored now.

    Raises:
        Suspended, Unauthenticated: the person is, or the session has ended.
        Unavailable: the database cannot be reached.
    """
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            user, session = await _documents(user_id=user_id, session_id=session_id)
    except (PyMongoError, TimeoutError) as error:
        raise errors.Unavailable from error
    return identity_of(user=user, session=session, expires_at=expires_at, now=times.utc_now())


async def identities_ended(asked: Collection[Identity]) -> dict[Identity, errors.Unauthenticated]:
    """Those of these that hold no more, as stored now, and why.

    Raises:
        Unavailable: the database cannot be reached.
    """
    people, logins = _gathered()
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            users, stored = await asyncio.gather(
                people.get_all({ObjectId(identity.user_id) for identity in asked}),
                logins.get_all({ObjectId(identity.session_id) for identity in asked}),
            )
    except (PyMongoError, TimeoutError) as error:
        raise errors.Unavailable from error
    now = times.utc_now()
    ended = {}
    for identity in asked:
        user = users.get(ObjectId(identity.user_id))
        session = stored.get(ObjectId(identity.session_id))
        try:
            identity_of(user=user, session=session, expires_at=identity.expires_at, now=now)
        except errors.Unauthenticated as error:
            ended[identity] = error
    return ended


async def identity_from_cookies(cookies: Mapping[str, str]) -> Identity | None:
    """Who the cookies of a page or a handshake speak of; None for nobody.

    A login in use is prolonged here, at most once in `sessions.TOUCH_EVERY`.

    Raises:
        Unavailable: the database cannot be reached.
    """
    key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    if not sessions.is_key(key):
        return None
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            return await _of_page(key, now=times.utc_now())
    except (PyMongoError, TimeoutError) as error:
        raise errors.Unavailable from error


async def _of_page(key: str, *, now: datetime) -> Identity | None:
    database = mongo.database()
    stored = await database.accounts_pagesession.find_one({"_id": key})
    login = sessions.login_of(stored, now=now)
    if login is None:
        return None
    user, session = await _documents(user_id=login.user_id, session_id=login.session_id)
    try:
        identity = identity_of(user=user, session=session, expires_at=None, now=now)
    except errors.Unauthenticated:
        return None
    if session is not None and sessions.is_stale(session["last_used_at"], now=now):
        used = sessions.prolonged(now)
        await asyncio.gather(
            database.accounts_session.update_one({"_id": session["_id"]}, {"$set": used}),
            database.accounts_pagesession.update_one(
                {"_id": key}, {"$set": {"expire_date": used["expires_at"]}}
            ),
        )
    return identity


async def _documents(*, user_id: str, session_id: str) -> tuple[Document | None, Document | None]:
    if not (ObjectId.is_valid(user_id) and ObjectId.is_valid(session_id)):
        return None, None
    people, logins = _gathered()
    user, session = await asyncio.gather(
        people.get(ObjectId(user_id)), logins.get(ObjectId(session_id))
    )
    return user, session


_Reads = Gathered[ObjectId, Document]
_reads: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[_Reads, _Reads]] = WeakKeyDictionary()


def _gathered() -> tuple[_Reads, _Reads]:
    """The running loop's reads of people and of logins."""
    loop = asyncio.get_running_loop()
    found = _reads.get(loop)
    if found is None:
        found = _reads[loop] = (
            _by_id("accounts_user", USER_FIELDS), _by_id("accounts_session", SESSION_FIELDS)
        )  # fmt: skip
    return found


def _by_id(collection: str, fields: Mapping[str, int]) -> _Reads:
    async def read(ids: list[ObjectId]) -> dict[ObjectId, Document]:
        with pymongo.timeout(READ_TIMEOUT_S):
            found = mongo.database()[collection].find({"_id": {"$in": ids}}, fields)
            return {document["_id"]: document for document in await found.to_list()}

    return Gathered(read, most=AT_ONCE)
