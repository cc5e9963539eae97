"""Owns what accounts do when Django is ready: they listen to logins."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"
    default_auto_field = "django_mongodb_backend.fields.ObjectIdAutoField"

    def ready(self) -> None:
        from accounts import receivers  # noqa: F401  (importing connects them; models are ready now)
