"""Owns the shape of what is stored of people and their logins. Knows no rule of who may what.

No field is nullable (the database backend adds costly tests for those): "" and `times.NEVER` stand
for nothing. Keys by which people are found and kept unique are derived here, on every save.
Source of the shapes: docs/architecture.md, "Data".
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any, ClassVar

from bson import ObjectId
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django_mongodb_backend.fields import ObjectIdAutoField

from accounts import names, signals
from accounts.managers import UserManager
from chatsite import indexes, times


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Suspended ones (`is_active` false) keep their name and messages."""

    id = ObjectIdAutoField(primary_key=True, db_column="_id")
    username = models.CharField(max_length=names.USERNAME_MAX)
    username_key = models.CharField(max_length=names.USERNAME_MAX, editable=False)
    email = models.EmailField(max_length=names.EMAIL_MAX)
    display_name = models.CharField(max_length=names.DISPLAY_NAME_MAX, blank=True)
    display_key = models.CharField(max_length=names.DISPLAY_KEY_MAX, editable=False)
    avatar = models.CharField(max_length=200, blank=True, editable=False)
    status_text = models.CharField(max_length=names.STATUS_TEXT_MAX, blank=True)
    is_active = models.BooleanField("not suspended", default=True)
    must_change_password = models.BooleanField("must choose a new password", default=False)
    is_staff = models.BooleanField("may use the admin", default=False)
    shares_presence = models.BooleanField("shows when online", default=True)
    shares_receipts = models.BooleanField("shows what was read", default=True)
    created_at = models.DateTimeField(default=times.utc_now, editable=False)
    last_login = None  # every login is a Session row
    _permissions: set[str]  # what `backends` found for this object

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        indexes = [
            indexes.UniqueIndex(fields=["username_key"], name="user_username"),
            indexes.UniqueIndex(fields=["email"], name="user_email"),
            indexes.UniqueIndex(fields=["display_key"], name="user_display"),
        ]

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Store, with the keys derived anew. A replaced password is told (`password_replaced`)."""
        self.display_name = self.display_name or self.username
        self.username_key = names.username_key(self.username)
        self.display_key = names.display_key(display_name=self.display_name, username=self.username)
        if update_fields is not None:
            update_fields = {*update_fields, "username_key", "display_key"}
        # Django's: the raw password between `set_password` and `save`.
        password_is_new = getattr(self, "_password", None) is not None and not self._state.adding
        super().save(*args, update_fields=update_fields, **kwargs)
        if password_is_new:
            signals.password_replaced.send(sender=User, user_id=str(self.pk))


class Session(models.Model):
    """One login: of a browser (a Django session carries its id) or of a program (a family of
    refresh tokens, of which only the newest, `refresh_jti`, is good)."""

    class Kind(models.TextChoices):
        PAGE = "page", "Browser"
        TOKEN = "token", "Program"

    id = ObjectIdAutoField(primary_key=True, db_column="_id")
    user_id: ObjectId
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="sessions", db_index=False
    )
    kind = models.CharField(max_length=5, choices=Kind)
    refresh_jti = models.CharField(max_length=32, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    created_at = models.DateTimeField(default=times.utc_now)
    last_used_at = models.DateTimeField(default=times.utc_now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(default=times.NEVER)

    class Meta:
        indexes = [
            models.Index(fields=["user", "revoked_at"], name="sessions_of_user"),
            indexes.ExpiryIndex(fields=["expires_at"], name="sessions_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} session {self.pk}"


class PageSession(AbstractBaseSession):
    """What Django keeps of a browser, signed. Keyed by `_id`, which Django's own model is not: on
    this backend each look-up of that one would read them all."""

    session_key = models.CharField(max_length=40, primary_key=True, db_column="_id")
    expire_date = models.DateTimeField()

    class Meta:
        indexes = [indexes.ExpiryIndex(fields=["expire_date"], name="page_sessions_expiry")]

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        engine: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return engine
