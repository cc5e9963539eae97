"""Owns how people are looked up and made through Django's own tools. Knows no rule: see services.

`createsuperuser` and the login form of the admin come here; the product uses services and
selectors.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager

from accounts import names

if TYPE_CHECKING:
    from accounts.models import User


class UserManager(BaseUserManager["User"]):
    """Makes and finds people by any spelling of their username."""

    def get_by_natural_key(self, username: str | None) -> "User":
        # One condition alone: more become `$and`, which the embedded database does not index.
        return self.get(username_key=names.username_key(username or ""))

    def create_user(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        """Store a person. Keys are derived by the model; the password is hashed."""
        user = self.model(username=username, email=names.email_clean(email), **fields)
        user.set_password(password)
        user.save(force_insert=True)
        return user

    def create_superuser(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        return self.create_user(
            username, email, password, **{**fields, "is_staff": True, "is_superuser": True}
        )
