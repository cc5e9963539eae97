"""Models and migrations say the same. Asks no database (`makemigrations --check` would)."""

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
from django.db.migrations.state import ProjectState


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
