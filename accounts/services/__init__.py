"""Owns what may change of people and logins. Synchronous; knows no request and no page.

Edges call these functions only; each validates, changes, tells (`accounts.signals`) and returns or
raises one of `chat.errors`. Moments are arguments, the present when left out.
"""

from accounts.services.logins import (
    session_create,
    session_end,
    session_touch,
    sessions_end,
    sessions_end_all,
    sessions_end_others,
    tokens_issue,
    tokens_refresh,
    tokens_revoke,
)
from accounts.services.passwords import (
    login_check,
    password_change,
    password_link,
    password_reset,
    password_reset_request,
    reset_user,
)
from accounts.services.people import (
    admin_create,
    password_force,
    profile_update,
    user_create,
    user_import,
    user_register,
    user_restore,
    user_suspend,
)

__all__ = [
    "admin_create",
    "login_check",
    "password_change",
    "password_force",
    "password_link",
    "password_reset",
    "password_reset_request",
    "profile_update",
    "reset_user",
    "session_create",
    "session_end",
    "session_touch",
    "sessions_end",
    "sessions_end_all",
    "sessions_end_others",
    "tokens_issue",
    "tokens_refresh",
    "tokens_revoke",
    "user_create",
    "user_import",
    "user_register",
    "user_restore",
    "user_suspend",
]
