"""Owns who is speaking, for edges that run on threads: REST, the admin, the account pages.

The same judgement as `accounts.identity`, read synchronously. Knows no rule of rooms.
"""

import pymongo
from bson import ObjectId
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from accounts import identity, sessions, stored
from accounts.models import User
from accounts.services import logins
from chatsite import times


def identity_load(*, user_id: str, session_id: str, expires_at: float | None) -> identity.Identity:
    """As `identity.identity_load`.

    Raises:
        Suspended, Unauthenticated: the person is, or the session has ended.
    """
    with pymongo.timeout(identity.READ_TIMEOUT_S):
        user = stored.users().find_one({"_id": stored.object_id(user_id)}, identity.USER_FIELDS)
        session = _session(session_id)
    return identity.identity_of(
        user=user, session=session, expires_at=expires_at, now=times.utc_now()
    )


def identity_of_page(request: HttpRequest) -> identity.Identity | None:
    """Who the session cookie of a request speaks of, or None."""
    user = request.user
    if not isinstance(user, User):
        return None
    return identity.Identity(
        user_id=str(user.pk),
        username=user.username,
        display_name=user.display_name,
        avatar=user.avatar,
        session_id=str(request.session[sessions.LOGIN_KEY]),
        expires_at=None,
        is_staff=user.is_staff,
    )


def user_of_page(request: HttpRequest) -> User | AnonymousUser:
    """Whom Django takes a page's request to be from, if the login behind it still lives.

    A login in use is prolonged here, at most once in `sessions.TOUCH_EVERY`; a session whose login
    is over is cleared.
    """
    with pymongo.timeout(identity.READ_TIMEOUT_S):
        return _user_of_page(request)


def _user_of_page(request: HttpRequest) -> User | AnonymousUser:
    user = auth.get_user(request)
    if not isinstance(user, User):
        return AnonymousUser()
    now = times.utc_now()
    session_id = str(request.session.get(sessions.LOGIN_KEY, ""))
    session = _session(session_id)
    if session is None or not identity.session_lives(session, user_id=user.pk, now=now):
        request.session.flush()
        return AnonymousUser()
    if sessions.is_stale(session["last_used_at"], now=now):
        logins.session_touch(session_id, now=now)
        request.session.modified = True  # stored anew by Django's middleware, for the full time
    return user


def _session(session_id: str) -> stored.Document | None:
    if not ObjectId.is_valid(session_id):
        return None
    return stored.sessions().find_one({"_id": ObjectId(session_id)}, identity.SESSION_FIELDS)
