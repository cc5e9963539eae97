"""Owns what the chat does when Django is ready: it listens to what accounts tell."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = "Chat"
    default_auto_field = "django_mongodb_backend.fields.ObjectIdAutoField"
