"""Word rules of rooms and of the server, what they hold, and who of the staff decides on it."""

import datetime
from typing import Any, Final

import django.db.models.deletion
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

import chatsite.indexes
import chatsite.times

ADDED: Final = {
    "moderator": ("view_heldmessage", "change_heldmessage"),
    "administrator": (
        *("view_heldmessage", "change_heldmessage"),
        *("view_serverrules", "change_serverrules"),
    ),
}


def add_rights(apps: Any, schema_editor: Any) -> None:
    """Permissions are made after migrations as a rule: here they come first."""
    chat = installed.get_app_config("chat")
    create_permissions(chat, verbosity=0, using=schema_editor.connection.alias)
    group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    ids = dict(permission.objects.values_list("codename", "pk"))
    for name, codenames in ADDED.items():
        found, _ = group.objects.get_or_create(name=name)
        found.permissions.add(*(ids[codename] for codename in codenames))


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0002_staff_groups"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ServerRules",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_column="_id", max_length=10, primary_key=True, serialize=False
                    ),
                ),
                ("rules", models.JSONField(blank=True, default=list)),
            ],
            options={
                "verbose_name": "word rules",
                "verbose_name_plural": "word rules",
            },
        ),
        migrations.AddField(
            model_name="ban",
            name="muted_until",
            field=models.DateTimeField(
                default=datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.UTC)
            ),
        ),
        migrations.AddField(
            model_name="room",
            name="rules",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(
                choices=[
                    ("message", "Message"),
                    ("edit", "Edit"),
                    ("delete", "Delete"),
                    ("reaction", "Reaction"),
                    ("pin", "Pin"),
                    ("restore", "Restore"),
                    ("member", "Member"),
                    ("room", "Room"),
                    ("house", "House"),
                ],
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="HeldMessage",
            fields=[
                ("id", models.UUIDField(db_column="_id", primary_key=True, serialize=False)),
                ("text", models.TextField(blank=True)),
                ("reply_to", models.CharField(blank=True, max_length=36)),
                ("pattern", models.CharField(blank=True, max_length=200)),
                ("at", models.DateTimeField(default=chatsite.times.utc_now)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("released", "Released"),
                            ("rejected", "Rejected"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="held",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="held",
                        to="chat.room",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["room", "status"], name="held_of_room"),
                    models.Index(fields=["author", "status"], name="held_of_author"),
                    models.Index(fields=["status", "-at"], name="held_queue"),
                    chatsite.indexes.ExpiryIndex(fields=["expires_at"], name="held_expiry"),
                ],
            },
        ),
        migrations.RunPython(add_rights, migrations.RunPython.noop),
    ]
