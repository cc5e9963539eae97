"""Owns how Django's own apps are fitted to MongoDB (ObjectId keys), and our frame as an app.

The migrations of Django's apps, made for these keys, are in `chatsite/mongo_migrations/`.
"""

from typing import Final

from django.apps import AppConfig
from django.contrib.admin import apps as admin
from django.contrib.auth import apps as auth
from django.contrib.contenttypes import apps as contenttypes

OBJECT_ID: Final = "django_mongodb_backend.fields.ObjectIdAutoField"


class ChatsiteConfig(AppConfig):
    name = "chatsite"
    verbose_name = "Frame"
    default_auto_field = OBJECT_ID

    def ready(self) -> None:
        from chatsite import schema  # noqa: F401  (importing registers how we authenticate)


class MongoAdminConfig(admin.AdminConfig):
    default = False  # not what `"chatsite"` alone stands for in INSTALLED_APPS
    default_auto_field = OBJECT_ID


class MongoAuthConfig(auth.AuthConfig):
    default = False
    default_auto_field = OBJECT_ID


class MongoContentTypesConfig(contenttypes.ContentTypesConfig):
    default = False
    default_auto_field = OBJECT_ID
