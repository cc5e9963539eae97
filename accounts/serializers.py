"""Owns the shape of what the accounts API takes and gives, and so of its OpenAPI. Knows no rule:
lengths here only bound the work; what is a good name or password, services say."""

from typing import Any, Final

from rest_framework import serializers

from accounts import passwords, selectors
from accounts.models import Session
from chatsite import rest

LINE_MAX: Final = 320
"""Bounds any one-line field before the rules see it."""


class Password(rest.Text):
    """Kept as typed: space at its ends belongs to it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            max_length=passwords.PASSWORD_MAX, trim_whitespace=False, write_only=True, **options
        )


class RegisterBody(rest.Body):
    username = rest.Text(max_length=LINE_MAX, help_text="2 to 32 of a-z, 0-9, dot, _ and -.")
    email = rest.Text(max_length=LINE_MAX)
    password = Password()
    display_name = rest.Text(max_length=LINE_MAX, required=False, allow_blank=True, default="")


class LoginBody(rest.Body):
    login = rest.Text(max_length=LINE_MAX, help_text="Username or e-mail address.")
    password = Password()


class RefreshBody(rest.Body):
    refresh = rest.Text(max_length=4_096)


class PasswordBody(rest.Body):
    current = Password()
    new = Password()


class ResetBody(rest.Body):
    email = rest.Text(max_length=LINE_MAX)


class ResetConfirmBody(rest.Body):
    uid = rest.Text(max_length=100)
    token = rest.Text(max_length=100)
    new = Password()


class ProfileBody(rest.Body):
    display_name = rest.Text(max_length=LINE_MAX, required=False, allow_blank=True)
    status_text = rest.Text(max_length=LINE_MAX, required=False, allow_blank=True)
    shares_presence = rest.Flag(required=False)
    shares_receipts = rest.Flag(required=False)


class UsersQuery(serializers.Serializer[Any]):
    q = serializers.CharField(
        required=False,
        max_length=selectors.QUERY_MAX_CHARS,
        help_text="What the username or display name starts with; without case.",
    )
    cursor = serializers.CharField(required=False, help_text="`next_cursor` of the page before.")


class PublicUser(serializers.Serializer[Any]):
    """A person as others see them."""

    id = serializers.CharField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    avatar = serializers.CharField()
    status_text = serializers.CharField()


class OwnUser(PublicUser):
    """A person as they see themselves."""

    email = serializers.CharField()
    is_staff = serializers.BooleanField()
    shares_presence = serializers.BooleanField()
    shares_receipts = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class UsersPage(serializers.Serializer[Any]):
    results = PublicUser(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class Tokens(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class SignedIn(Tokens):
    user = OwnUser()


class LiveSession(serializers.Serializer[Any]):
    """One login that goes on."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=Session.Kind.choices)
    agent = serializers.CharField(help_text="The User-Agent it began with.")
    address = serializers.CharField(help_text="The network address it began from.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    current = serializers.BooleanField(help_text="Whether it is the asker's own.")


class SessionsList(serializers.Serializer[Any]):
    results = LiveSession(many=True)
