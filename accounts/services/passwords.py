"""Owns what is done with passwords: signing in, changing, resetting. Knows no request and no token
but the one in the reset mail."""

from typing import Final

from django.contrib.auth.tokens import default_token_generator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts import mail, names, passwords, selectors, stored, throttles
from accounts.models import User
from accounts.services import logins
from chat import errors
from chatsite import addresses

WRONG_LOGIN: Final = "The name or the password is wrong."
WRONG_LINK: Final = "This link has been used or is too old. Please ask for a new one."


def login_check(*, login: str, password: str, address: str) -> User:
    """The person who signs in with this name or e-mail address and this password.

    Takes the same time and answers the same whether or not somebody has that name.

    Raises:
        Unauthenticated: no such person, or another password.
        Forbidden: the password is right and the account suspended.
        PasswordChangeNeeded: it is right, and good for nothing but to choose another one.
        RateLimited: too many attempts for this name, or from this address.
    """
    with throttles.guess(
        (throttles.LOGIN_ADDRESS, addresses.network(address)),
        (throttles.LOGIN_ACCOUNT, names.login_key(login)),
    ):
        user = selectors.user_by_login(login)
        if not passwords.password_matches(user, password) or user is None:
            raise errors.Unauthenticated(WRONG_LOGIN)
    if not user.is_active:
        raise errors.Forbidden("This account is suspended.")
    if user.must_change_password:
        raise errors.PasswordChangeNeeded
    return user


def password_link(*, login: str) -> tuple[str, str]:
    """(uid, token) as in the mail, for somebody who has just proved who they are and must choose a
    new password (`login_check` raised PasswordChangeNeeded).

    Raises:
        Unauthenticated: nobody has this name now.
    """
    user = selectors.user_by_login(login)
    if user is None or not user.must_change_password:
        raise errors.Unauthenticated(WRONG_LOGIN)
    uid = urlsafe_base64_encode(force_bytes(str(user.pk)))
    return uid, default_token_generator.make_token(user)


def password_change(user: User, *, current: str, new: str, keep_session_id: str) -> None:
    """Replace one's password. All one's other logins end.

    Raises:
        ValidationFailed: the current password is another, or the new one too weak.
        RateLimited: too many wrong guesses of the current one.
    """
    with throttles.guess((throttles.PASSWORD_ACCOUNT, str(user.pk))):
        if not passwords.password_matches(user, current):
            raise errors.ValidationFailed(fields={"current": ["This is not your password."]})
    _password_replace(user, new=new)
    logins.sessions_end_others(user_id=str(user.pk), keep=keep_session_id, reason="password")


def password_reset_request(*, email: str, origin: str, address: str) -> None:
    """Send a link to whoever has this address, soon. Answers the same if nobody has.

    Args:
        origin: where the link leads, such as `https://chat.example.org`.

    Raises:
        RateLimited: too many requests from this network address.
    """
    throttles.take(throttles.RESET_ADDRESS, addresses.network(address))
    try:
        throttles.take(throttles.RESET_ACCOUNT, names.email_clean(email))
    except errors.RateLimited:
        return  # they have mail already; to say more would tell that the account exists
    mail.reset_send(email=email, origin=origin)


def password_reset(*, uid: str, token: str, new: str, address: str) -> User:
    """Set a new password with the link from the mail, once. All logins of that person end.

    Raises:
        ValidationFailed: the link is used, old or forged, or the password too weak.
        RateLimited: too many tries from this network address.
    """
    throttles.take(throttles.RESET_CONFIRM_ADDRESS, addresses.network(address))
    user = reset_user(uid=uid, token=token)
    if user is None:
        raise errors.ValidationFailed(WRONG_LINK, fields={"token": [WRONG_LINK]})
    _password_replace(user, new=new)
    logins.sessions_end_all(user_id=str(user.pk), reason="password")
    return user


def reset_user(*, uid: str, token: str) -> User | None:
    """Whose password this link may set; None if the link is not good."""
    try:
        user = selectors.user_by_id(urlsafe_base64_decode(uid).decode())
    except (ValueError, UnicodeError):
        return None
    if user is None or not user.is_active or not default_token_generator.check_token(user, token):
        return None
    return user


def _password_replace(user: User, *, new: str) -> None:
    """Compare-and-set, so that of two at once one succeeds. Not by `User.save`, which would end
    the login that may stay."""
    if weak := passwords.password_problems(new, user=user):
        raise errors.ValidationFailed(fields={"new": weak})
    if user.must_change_password and passwords.password_matches(user, new):
        raise errors.ValidationFailed(fields={"new": ["Choose another one than before."]})
    replaced = passwords.password_hash(new)
    values = {"password": replaced, "must_change_password": False}
    changed = stored.users().update_one(
        {"_id": user.pk, "password": user.password}, {"$set": values}
    )
    if changed.matched_count != 1:
        raise errors.Conflict("The password was changed by somebody else just now.")
    user.password = replaced
