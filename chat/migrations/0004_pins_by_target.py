"""What is pinned says so where the index of events by target finds it (`chat.store.store.PINNED`)."""

from typing import Any

from django.db import migrations


def mark_pins(apps: Any, schema_editor: Any) -> None:
    events = schema_editor.connection.database["chat_event"]
    events.update_many({"kind": "message", "pinned": True}, {"$set": {"target": "pinned"}})


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0003_word_rules"),
    ]

    operations = [
        migrations.RunPython(mark_pins, migrations.RunPython.noop),
    ]
