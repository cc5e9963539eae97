"""Models and migrations say the same, and what migrates, the release before can live with.

Asks no database (`makemigrations --check` would).
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import migrations, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
from django.db.migrations.state import ProjectState

from chatsite import indexes

OURS: Final = ("accounts", "chat")
ADDING: Final = (
    migrations.CreateModel,
    migrations.AddField,
    migrations.AddIndex,
    migrations.AlterField,
    migrations.AlterModelManagers,
    migrations.AlterModelOptions,
    migrations.RunPython,
    migrations.SeparateDatabaseAndState,
)
"""What may be done while replicas of the release before serve (docs/upgrades.md, "A migration only
adds")."""


def test_every_model_is_as_its_migrations_leave_it() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    detector = MigrationAutodetector(
        loader.project_state(),
        ProjectState.from_apps(apps),
        NonInteractiveMigrationQuestioner(),
    )
    missing = detector.changes(graph=loader.graph)
    assert {name: [str(m.operations) for m in found] for name, found in missing.items()} == {}


def test_no_two_migrations_of_an_app_are_leaves() -> None:
    assert MigrationLoader(None, ignore_no_migrations=True).detect_conflicts() == {}


def later_migrations() -> dict[str, Any]:
    """Ours, but for those that begin an empty database."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return {
        f"{app}.{name}": migration
        for (app, name), migration in sorted(loader.disk_migrations.items())
        if app in OURS and not migration.initial and name != "0001_initial"
    }


def taken_away(migration: Any) -> Iterator[str]:
    """What the release before could not live with, of one migration, each as people read it."""
    if getattr(migration, "unused_since", ""):
        return
    new = {op.name_lower for op in migration.operations if isinstance(op, migrations.CreateModel)}
    for operation in migration.operations:
        if not isinstance(operation, ADDING):
            yield f"{operation.describe()}: it uses what this takes away"
        elif isinstance(operation, migrations.AddField) and operation.model_name_lower == "event":
            yield f"{operation.describe()}: writes every event there is"
        elif (
            isinstance(operation, migrations.AddIndex)
            and isinstance(operation.index, indexes.UniqueIndex)
            and operation.model_name_lower not in new
        ):
            yield f"{operation.describe()}: refuses what it writes"


@pytest.mark.parametrize("name", later_migrations())
def test_a_migration_only_adds(name: str) -> None:
    assert list(taken_away(later_migrations()[name])) == []


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (migrations.RemoveField("room", "topic"), "takes away"),
        (migrations.RenameField("room", "topic", "subject"), "takes away"),
        (migrations.DeleteModel("Ban"), "takes away"),
        (migrations.RemoveIndex("ban", "one_ban"), "takes away"),
        (migrations.AddField("event", "mood", models.CharField(default="")), "every event"),
        (
            migrations.AddIndex("ban", indexes.UniqueIndex(fields=["user"], name="x")),
            "refuses what it writes",
        ),
    ],
)
def test_what_takes_away_is_found(operation: Operation, words: str) -> None:
    made: Any = type("Migration", (), {"operations": [operation]})
    [said] = taken_away(made)
    assert words in said
    made.unused_since = "0.2.0"
    assert list(taken_away(made)) == []


def test_what_adds_is_let_through() -> None:
    new = migrations.CreateModel("Draft", [("text", models.TextField())])
    unique = migrations.AddIndex("draft", indexes.UniqueIndex(fields=["text"], name="y"))
    made = type("Migration", (), {"operations": [new, unique]})
    assert list(taken_away(made)) == []
