"""Owns how people come to be and change. Knows no login but that the suspended have none."""

from collections.abc import Callable
from typing import Final

from bson import ObjectId
from django.conf import settings
from django.db import IntegrityError

from accounts import names, passwords, selectors, signals, throttles
from accounts.models import User
from accounts.services import logins
from chat import errors
from chatsite import addresses
from metrics import instruments

TAKEN: Final = {
    "username": "This username is taken.",
    "email": "There is an account with this address already.",
}


def user_register(
    *, username: str, email: str, password: str, display_name: str = "", address: str
) -> User:
    """As `user_create`, by somebody who asks for it at this network address.

    Raises:
        RegistrationClosed: nobody may.
        RateLimited: too many from this address.
        ValidationFailed, Conflict.
    """
    if not settings.REGISTRATION:
        raise errors.RegistrationClosed
    throttles.take(throttles.REGISTER_ADDRESS, addresses.network(address))
    return user_create(username=username, email=email, password=password, display_name=display_name)


def user_create(*, username: str, email: str, password: str, display_name: str = "") -> User:
    """Make a person who can sign in.

    Raises:
        ValidationFailed: with what is wrong with each field.
        Conflict: the username (without case) or the address is taken; `fields` says which.
    """
    user = _user_store(
        username=username,
        email=email,
        password=password,
        display_name=display_name,
        is_admin=False,
    )
    instruments.user_registered()
    return user


def user_import(*, username: str, email: str, display_name: str = "", id: str = "") -> User:
    """Make a person who has no password: for people of another system, whose logins are made for
    them. They can sign in themselves once they have set one by mail. Raises as `user_create`.
    `id`: of somebody who comes from another Parley and keeps it."""
    user = _user_store(
        username=username, email=email, password=None, display_name=display_name, is_admin=False,
        id=id,
    )  # fmt: skip
    instruments.user_registered()
    return user


def admin_create(*, username: str, email: str, password: str) -> User:
    """Make a person who may do everything in the admin. Raises as `user_create`."""
    return _user_store(
        username=username, email=email, password=password, display_name="", is_admin=True
    )


def profile_update(
    user: User,
    *,
    display_name: str | None = None,
    status_text: str | None = None,
    shares_presence: bool | None = None,
    shares_receipts: bool | None = None,
) -> User:
    """Change what was given (None: as it is). An empty display name becomes the username.

    Raises:
        ValidationFailed: with what is wrong with each field.
    """
    problems: dict[str, list[str]] = {}
    changed: list[str] = []
    if display_name is not None:
        user.display_name = names.text_clean(display_name)
        changed.append("display_name")
        _note(problems, "display_name", _display_name_problem(user.display_name))
    if status_text is not None:
        user.status_text = names.text_clean(status_text)
        changed.append("status_text")
        _note(problems, "status_text", _status_problem(user.status_text))
    if shares_presence is not None:
        user.shares_presence = shares_presence
        changed.append("shares_presence")
    if shares_receipts is not None:
        user.shares_receipts = shares_receipts
        changed.append("shares_receipts")
    if problems:
        raise errors.ValidationFailed(fields=problems)
    if changed:
        user.save(update_fields=changed)
        signals.profile_changed.send(sender=User, user_id=str(user.pk))
    return user


def user_suspend(user: User) -> None:
    """Shut someone out: no login goes on, no new one begins. Told even if they had no login."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    logins.sessions_end_all(user_id=str(user.pk), reason="suspended")


def user_restore(user: User) -> None:
    """Let a suspended person sign in again."""
    user.is_active = True
    user.save(update_fields=["is_active"])


def password_force(user: User) -> None:
    """Let nobody go on with this person's password, but to choose another one. Every login ends."""
    user.must_change_password = True
    user.save(update_fields=["must_change_password"])
    logins.sessions_end_all(user_id=str(user.pk), reason="password")


def _user_store(
    *,
    username: str,
    email: str,
    password: str | None,
    display_name: str,
    is_admin: bool,
    id: str = "",
) -> User:
    user = User(
        **({"id": ObjectId(id)} if id else {}),
        username=username,
        email=names.email_clean(email),
        display_name=names.text_clean(display_name),
        is_staff=is_admin,
        is_superuser=is_admin,
    )
    problems: dict[str, list[str]] = {}
    _note(problems, "username", names.username_problem(user.username))
    _note(problems, "email", names.email_problem(user.email))
    _note(problems, "display_name", _display_name_problem(user.display_name))
    if password is not None and (weak := passwords.password_problems(password, user=user)):
        problems["password"] = weak
    if problems:
        raise errors.ValidationFailed(fields=problems)
    _refuse_taken(user)
    user.password = (
        passwords.password_unusable() if password is None else passwords.password_hash(password)
    )
    try:
        user.save(force_insert=True)
    except IntegrityError:  # somebody took it since we looked
        _refuse_taken(user)
        raise
    return user


def _refuse_taken(user: User) -> None:
    taken: dict[str, Callable[[], bool]] = {
        "username": lambda: selectors.user_by_username(user.username) is not None,
        "email": lambda: selectors.user_by_email(user.email) is not None,
    }
    found = {field: [TAKEN[field]] for field, is_taken in taken.items() if is_taken()}
    if found:
        raise errors.Conflict(next(iter(found.values()))[0], fields=found)


def _display_name_problem(display_name: str) -> str:
    return names.text_problem(display_name, most=names.DISPLAY_NAME_MAX)


def _status_problem(status_text: str) -> str:
    return names.text_problem(status_text, most=names.STATUS_TEXT_MAX)


def _note(problems: dict[str, list[str]], field: str, problem: str) -> None:
    if problem:
        problems[field] = [problem]
