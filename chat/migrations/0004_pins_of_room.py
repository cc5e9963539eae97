"""A room's pinned messages, found without looking through its log."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0003_word_rules"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("pinned", True)),
                fields=["room_id", "pinned", "n"],
                name="pins_of_room",
            ),
        ),
    ]
