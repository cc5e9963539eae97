"""Owns logins: how they begin, are renewed and end. Knows no password.

A program's login is a family of refresh tokens. Each renewal replaces the one that is good
(`refresh_jti`) by compare-and-set, so of two who bring the same token one succeeds; the other is
taken for a thief or his victim, and the family ends (RFC 9700, 4.14.2).
"""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Final

from accounts import selectors, sessions, signals, stored, throttles, tokens
from accounts.models import Session, User
from chat import errors
from chatsite import times

log = logging.getLogger(__name__)

SESSIONS_PER_USER: Final = 100
"""Live logins of one person; a further one ends the one that was longest unused."""

ENDED_KEPT: Final = timedelta(days=1)
"""How long the row of an ended login stays, to tell a reused token from an unknown one."""

AGENT_MAX: Final = 200
ADDRESS_MAX: Final = 45


def session_create(
    user: User,
    *,
    agent: str,
    address: str,
    kind: str = Session.Kind.TOKEN,
    now: datetime | None = None,
) -> Session:
    """Begin a login. With too many already, the one longest unused ends.

    Raises:
        Unauthenticated: since `user` was read, their password was replaced or they were suspended.
    """
    now = now or times.utc_now()
    live = selectors.sessions_live(user_id=str(user.pk), now=now)
    excess = live[SESSIONS_PER_USER - 1 :]  # they come most recently used first
    if excess:
        sessions_end(
            user_id=str(user.pk), session_ids=[s.id for s in excess], reason="revoked", now=now
        )
    session = Session(
        user=user,
        kind=kind,
        refresh_jti=uuid.uuid4().hex if kind == Session.Kind.TOKEN else "",
        agent=agent[:AGENT_MAX],
        address=address[:ADDRESS_MAX],
        created_at=now,
        last_used_at=now,
        expires_at=sessions.expires_at(now),
    )
    session.save(force_insert=True)
    # Asked after it is stored: what replaces a password ends the logins stored before that.
    if not selectors.is_as_read(user):
        sessions_end(
            user_id=str(user.pk), session_ids=[str(session.pk)], reason="password", now=now
        )
        raise errors.Unauthenticated("The password was changed just now. Please sign in again.")
    return session


def tokens_issue(session: Session, *, now: datetime | None = None) -> tuple[str, str]:
    """The first (access, refresh) of a program's login."""
    return tokens.tokens_make(
        user_id=str(session.user_id),
        session_id=str(session.pk),
        refresh_jti=session.refresh_jti,
        now=now or times.utc_now(),
    )


def tokens_refresh(refresh: str, *, now: datetime | None = None) -> tuple[str, str]:
    """Exchange a refresh token for (access, refresh). It is good once: used again it ends its
    family.

    Raises:
        Unauthenticated: not such a token, used before, ended, or its owner is suspended.
        TokenExpired: the refresh token is too old.
        RateLimited: this person refreshes too often.
    """
    now = now or times.utc_now()
    claims = tokens.token_read(refresh, now=now.timestamp(), kind="refresh")
    throttles.take(throttles.REFRESH_ACCOUNT, claims.user_id)
    user = selectors.user_by_id(claims.user_id)
    if user is None or not user.is_active or user.must_change_password:
        raise errors.Unauthenticated("This account is not in use.")
    new_jti = uuid.uuid4().hex
    renewed = stored.sessions().update_one(
        {
            "_id": stored.object_id(claims.session_id),
            "refresh_jti": claims.jti,
            "user_id": user.pk,
            "revoked_at": times.NEVER,
        },
        {"$set": {"refresh_jti": new_jti, **sessions.prolonged(now)}},
    )
    if renewed.matched_count != 1:
        if sessions_end(
            user_id=claims.user_id, session_ids=[claims.session_id], reason="revoked", now=now
        ):
            log.warning("a used refresh token came back: its session was ended")
        raise errors.Unauthenticated("This session has ended. Please sign in again.")
    return tokens.tokens_make(
        user_id=claims.user_id, session_id=claims.session_id, refresh_jti=new_jti, now=now
    )


def tokens_revoke(refresh: str, *, now: datetime | None = None) -> None:
    """End the login that a refresh token, used or not, belongs to; well if it has ended already.

    Raises:
        Unauthenticated, TokenExpired: not a refresh token of ours, or too old.
    """
    now = now or times.utc_now()
    claims = tokens.token_read(refresh, now=now.timestamp(), kind="refresh")
    sessions_end(user_id=claims.user_id, session_ids=[claims.session_id], reason="logout", now=now)


def session_touch(session_id: str, *, now: datetime | None = None) -> None:
    """Say that a login is in use: it lives on for the full time."""
    stored.sessions().update_one(
        {"_id": stored.object_id(session_id), "revoked_at": times.NEVER},
        {"$set": sessions.prolonged(now or times.utc_now())},
    )


def session_end(
    *,
    user_id: str,
    session_id: str,
    reason: signals.Reason = "logout",
    now: datetime | None = None,
) -> None:
    """End one login of a person.

    Raises:
        NotFound: that person has no such living login.
    """
    if not sessions_end(user_id=user_id, session_ids=[session_id], reason=reason, now=now):
        raise errors.NotFound


def sessions_end_others(
    *, user_id: str, keep: str, reason: signals.Reason = "logout", now: datetime | None = None
) -> list[str]:
    """End all logins of a person but `keep`. Returns the ids of those ended."""
    now = now or times.utc_now()
    live = [s.id for s in selectors.sessions_live(user_id=user_id, now=now) if s.id != keep]
    return sessions_end(user_id=user_id, session_ids=live, reason=reason, now=now)


def sessions_end_all(
    *, user_id: str, reason: signals.Reason, now: datetime | None = None
) -> list[str]:
    """End all logins of a person. Returns the ids of those ended."""
    return sessions_end_others(user_id=user_id, keep="", reason=reason, now=now)


def sessions_end(
    *, user_id: str, session_ids: list[str], reason: signals.Reason, now: datetime | None = None
) -> list[str]:
    """End these logins of a person; what had ended or is not theirs is passed over. Returns the
    ids of those ended."""
    now = now or times.utc_now()
    owner = stored.object_id(user_id)
    ended = [
        session_id
        for session_id in session_ids
        if stored.sessions()
        .update_one(
            {"_id": stored.object_id(session_id), "user_id": owner, "revoked_at": times.NEVER},
            {"$set": {"revoked_at": now, "expires_at": now + ENDED_KEPT}},
        )
        .matched_count
    ]
    if ended or reason == "suspended":
        signals.sessions_ended.send(
            sender=Session, user_id=user_id, session_ids=ended, reason=reason
        )
    return ended
