"""docs/architecture.md describes every collection of ours, field by field."""

import re
from typing import Final

from django.apps import apps

from chat.services.audit import Action
from tests.house import tree

DOC: Final = tree.doc("docs/architecture.md")
OURS: Final = ("accounts", "chat")


def stored() -> dict[str, set[str]]:
    """Collection -> its fields, of the models of our apps (not the tables between Django's own)."""
    return {
        model._meta.db_table: {str(field.column) for field in model._meta.local_concrete_fields}
        for label in OURS
        for model in apps.get_app_config(label).get_models()
    }


def described() -> dict[str, set[str]]:
    data = tree.section(DOC, "Data")
    return {
        name: {
            found[1]
            for cells in tree.rows(tree.section(data, name))
            if (found := re.fullmatch(r"`(\w+)`", cells[0]))
        }
        for name in re.findall(r"^### ((?:accounts|chat)_\w+)$", data, re.MULTILINE)
    }


def test_every_collection_and_every_field_has_its_place() -> None:
    assert described() == stored()


def test_every_name_in_redis_has_its_row() -> None:
    made = set(re.findall(r"\{settings\.MONGODB_NAME\}:(\w+)", tree.doc("chat/keys.py")))
    named = re.findall(r"^\| `…:(\w+)", tree.section(DOC, "Redis"), re.MULTILINE)
    assert len(made) >= 4
    assert set(named) == made


def test_every_kind_of_house_event_has_its_row() -> None:
    said = set(re.findall(r'^            case "(\w+)":', _house_said(), re.MULTILINE))
    rows = tree.rows(tree.section(DOC, "The house log"))
    assert said
    assert {cells[0].strip("`") for cells in rows} == said


def test_every_action_of_the_audit_is_named() -> None:
    rows = {cells[0]: cells[1] for cells in tree.rows(tree.section(DOC, "chat_moderationaction"))}
    assert rows["`action`"].split(", ") == list(Action)


def _house_said() -> str:
    source = tree.doc("chat/hub.py")
    begin = source.index("def _house_said")
    return source[begin : source.index("\n    def ", begin + 1)]
