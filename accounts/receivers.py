"""Owns what accounts do when Django or the model tells of logins and passwords.

Every page login comes past here, the admin's too, so each has an `accounts.Session`.
"""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import selectors, services, sessions, signals
from accounts.models import Session, User
from chatsite import addresses


@receiver(user_logged_in, dispatch_uid="accounts.page_login_begins")
def page_login_begins(request: HttpRequest, user: User, **_: Any) -> None:
    """Begin a login for this browser; the one it had before, if any, ends."""
    _end_login_of(request)
    session = services.session_create(
        user,
        agent=request.META.get("HTTP_USER_AGENT", ""),
        address=addresses.of_request(request),
        kind=Session.Kind.PAGE,
    )
    request.session[sessions.LOGIN_KEY] = str(session.pk)


@receiver(user_logged_out, dispatch_uid="accounts.page_login_ends")
def page_login_ends(request: HttpRequest, **_: Any) -> None:
    """End the login of this browser."""
    _end_login_of(request)


@receiver(signals.password_replaced, dispatch_uid="accounts.password_replaced")
def logins_end_with_password(user_id: str, **_: Any) -> None:
    """A password set by way of `User.save` ends all logins made with the old one."""
    services.sessions_end_all(user_id=user_id, reason="password")


def _end_login_of(request: HttpRequest) -> None:
    session_id = request.session.pop(sessions.LOGIN_KEY, "")
    if not session_id:
        return
    session = selectors.session_by_id(str(session_id))
    if session is not None:
        services.sessions_end(
            user_id=str(session.user_id), session_ids=[str(session.pk)], reason="logout"
        )
