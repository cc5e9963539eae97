"""Owns what the chat does when Django is ready: it listens to accounts and to the server's life."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = "Chat"
    default_auto_field = "django_mongodb_backend.fields.ObjectIdAutoField"

    def ready(self) -> None:
        from chat import receivers  # models must be loaded first

        receivers.connect()
