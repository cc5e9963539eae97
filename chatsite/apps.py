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
        from chatsite import (
            lifecycle,
            mongo,
            rds,
            schema,  # noqa: F401  (importing registers how we authenticate)
        )

        for close in (mongo.close, rds.close):  # last of all: whoever stops may still need them
            lifecycle.on_stop(close)


class MongoAdminConfig(admin.AdminConfig):
    default = False  # not what `"chatsite"` alone stands for in INSTALLED_APPS
    default_auto_field = OBJECT_ID


class MongoAuthConfig(auth.AuthConfig):
    default = False
    default_auto_field = OBJECT_ID


class MongoContentTypesConfig(contenttypes.ContentTypesConfig):
    default = False
    default_auto_field = OBJECT_ID
