"""Every command keeps the conventions that docs/commands.md promises."""

import importlib
import re
from typing import Any, Final

import pytest
from django.core.management import get_commands
from django.core.management.base import BaseCommand

from chat.management.operator import OperatorCommand
from tests.house import tree

OURS: Final = sorted(name for name, app in get_commands().items() if app in ("chat", "chatsite"))
CHANGES_NOTHING: Final = {
    "backup": "writes a new folder",
    "doctor": "looks",
    "export_room": "writes a new file",
    "loadtest": "makes accounts and rooms of its own, on a server for tests",
    "prepare": "brings up to date",
    "replay": "says what its files say, on a server for tests",
    "serve": "serves",
    "up": "serves",
}
"""Commands that have no `--dry-run`, and why."""
OWN_END: Final = {"doctor", "loadtest", "prepare", "replay", "serve", "shard", "up"}
"""Commands that end in ways of their own."""


def command(name: str) -> Any:
    return importlib.import_module(f"{get_commands()[name]}.management.commands.{name}").Command()


def help_of(name: str) -> str:
    return " ".join(command(name).create_parser("manage.py", name).format_help().split())


def test_there_are_commands() -> None:
    assert {"backup", "restore", "prune", "verify", "connections", "up"} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_help_says_what_it_does_and_how_it_ends(name: str) -> None:
    said = " ".join(command(name).help.split())
    does, _, ends = said.partition("Exit codes: ")
    assert len(does) > 40
    assert re.match(r"0 \S", ends), f"{name} --help does not tell its exit codes"


@pytest.mark.parametrize("name", OURS)
def test_every_option_is_explained(name: str) -> None:
    parser = command(name).create_parser("manage.py", name)
    plain = {action.dest for action in BaseCommand().create_parser("manage.py", "x")._actions}
    mute = [
        a.dest for a in parser._actions if a.dest not in plain and not a.help and a.option_strings
    ]
    assert not mute


@pytest.mark.parametrize("name", sorted(set(OURS) - set(CHANGES_NOTHING)))
def test_what_changes_something_can_be_tried_first(name: str) -> None:
    parser = command(name).create_parser("manage.py", name)
    deeds = [a for a in parser._actions if getattr(a, "choices", None) and a.dest == "does"]
    texts = [each.format_help() for deed in deeds for each in deed.choices.values()]
    assert "--dry-run" in " ".join([parser.format_help(), *texts])


@pytest.mark.parametrize("name", sorted(set(OURS) - OWN_END))
def test_it_ends_as_all_others_do(name: str) -> None:
    assert isinstance(command(name), OperatorCommand)


@pytest.mark.parametrize("name", OURS)
def test_the_documents_name_it(name: str) -> None:
    pattern = rf"`(manage\.py )?{name}\b"
    assert re.search(pattern, tree.doc("docs/commands.md") + tree.doc("docs/operations.md"))
