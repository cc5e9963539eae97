"""Makes the groups of staff, each with what it may do in the admin. Later changes by hand are kept."""

from typing import Any, Final

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

MODERATOR: Final = (
    *("view_report", "change_report", "view_event", "delete_event"),
    *("view_room", "view_membership", "change_membership", "add_ban", "view_ban"),
    *("view_moderationaction", "view_user"),
)
ADMINISTRATOR: Final = (
    *MODERATOR,
    *("change_room", "add_user", "change_user", "view_session", "change_session"),
)


def make_groups(apps: Any, schema_editor: Any) -> None:
    """Permissions are made after migrations as a rule: here those of our apps come first."""
    for label in ("accounts", "chat"):
        create_permissions(
            installed.get_app_config(label), verbosity=0, using=schema_editor.connection.alias
        )
    group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    ids = dict(permission.objects.values_list("codename", "pk"))
    for name, codenames in (("moderator", MODERATOR), ("administrator", ADMINISTRATOR)):
        found, _ = group.objects.get_or_create(name=name)
        found.permissions.add(*(ids[codename] for codename in codenames))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0001_initial"),
        ("chat", "0001_initial"),
        ("contenttypes", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(name="event", options={"verbose_name": "message"}),
        migrations.AlterModelOptions(
            name="moderationaction",
            options={"verbose_name": "audit entry", "verbose_name_plural": "audit"},
        ),
        migrations.RunPython(make_groups, migrations.RunPython.noop),
    ]
