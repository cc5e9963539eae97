"""Owns the fields of the account pages. Knows no rule: services judge, and `refuse` shows it."""

from typing import Any

from django import forms

from accounts import names, passwords
from chat import errors


class AccountForm(forms.Form):
    """A form whose refusals come from a service."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", "field__input")

    def refuse(self, error: errors.ChatError) -> None:
        """Show a refusal beside the fields it names, or above the form."""
        for name, messages in (error.fields or {}).items():
            for message in messages:
                self.add_error(name if name in self.fields else None, message)
        if not error.fields:
            self.add_error(None, error.message)


def _password(label: str, *, autocomplete: str, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=passwords.PASSWORD_MAX,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        **options,
    )


def _display_name() -> forms.CharField:
    return forms.CharField(
        label="Display name",
        required=False,
        max_length=names.DISPLAY_NAME_MAX,
        help_text="How others see you. Left empty, it is your username.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class LoginForm(AccountForm):
    login = forms.CharField(
        label="Username or e-mail",
        max_length=names.EMAIL_MAX,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )
    password = _password("Password", autocomplete="current-password")


class RegisterForm(AccountForm):
    username = forms.CharField(
        label="Username",
        min_length=names.USERNAME_MIN,
        max_length=names.USERNAME_MAX,
        help_text="Letters a to z, digits, dots, underscores and hyphens.",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )
    email = forms.EmailField(
        label="E-mail",
        max_length=names.EMAIL_MAX,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    display_name = _display_name()
    password = _password(
        "Password", autocomplete="new-password", help_text="At least 8 characters, hard to guess."
    )


class ProfileForm(AccountForm):
    """What others see of one. The boxes come last: their labels stand beside them."""

    display_name = _display_name()
    status_text = forms.CharField(
        label="Status",
        required=False,
        max_length=names.STATUS_TEXT_MAX,
        help_text="A few words about what you do or where you are.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    shares_presence = forms.BooleanField(
        label="Others see when I am online",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "field__box"}),
    )
    shares_receipts = forms.BooleanField(
        label="Others see how far I have read",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "field__box"}),
    )


class PasswordChangeForm(AccountForm):
    current = _password("Current password", autocomplete="current-password")
    new = _password(
        "New password",
        autocomplete="new-password",
        help_text="At least 8 characters, hard to guess.",
    )


class PasswordResetForm(AccountForm):
    email = forms.EmailField(
        label="E-mail",
        max_length=names.EMAIL_MAX,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


class NewPasswordForm(AccountForm):
    new = _password(
        "New password",
        autocomplete="new-password",
        help_text="At least 8 characters, hard to guess.",
    )
