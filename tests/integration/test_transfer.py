"""A room that is exported and imported into an empty server equals its source."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from django.core.management import CommandError, call_command

from chat import transfer
from chat.stored import collection
from chatsite import env
from tests import services
from tests.integration.test_verify import Talk

pytestmark = pytest.mark.usefixtures("running_services")


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def elsewhere(*words: str) -> str:
    """A command on another, empty server."""
    environ = {
        **os.environ,
        **services.environment(),
        "MONGODB_NAME": f"{services.database_name}_b",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        env=environ, cwd=env.BASE_DIR, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def documents(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_what_comes_out_again_is_what_went_in(tmp_path: Path) -> None:
    talk = Talk()
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    run("export_room", talk.room, str(first))
    elsewhere("migrate", "--verbosity", "0")
    events = len(talk.events())
    assert f"{events} events" in elsewhere("import_room", str(first))
    elsewhere("export_room", talk.room, str(second))
    assert documents(second) == documents(first)
    assert "All is well" in elsewhere("verify", "--room", talk.room)
    assert "Stored nothing." in elsewhere("import_room", str(first))


def test_no_secret_leaves_with_a_room(tmp_path: Path) -> None:
    talk = Talk()
    file = tmp_path / "room.jsonl"
    run("export_room", talk.room, str(file))
    people = [each["person"] for each in documents(file) if "person" in each]
    assert [set(person) for person in people] == [{"_id", "username", "display_name"}]
    assert talk.alice.email not in file.read_text()


def test_the_page_shows_what_people_saw(tmp_path: Path) -> None:
    talk = Talk()
    talk.say("**bold** <script>alert(1)</script>")
    file = tmp_path / "room.html"
    run("export_room", talk.room, str(file), "--html")
    page = file.read_text()
    assert "<strong>bold</strong>" in page
    assert "<script" not in page
    assert "better" in page
    assert "(deleted)" in page


def test_only_its_owner_may_read_what_was_exported(tmp_path: Path) -> None:
    talk = Talk()
    file = tmp_path / "room.jsonl"
    run("export_room", talk.room, str(file))
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_a_file_has_for_html_is_made_safe(tmp_path: Path) -> None:
    talk = Talk()
    talk.say("hello")
    file = tmp_path / "room.jsonl"
    run("export_room", talk.room, str(file))
    collection("chat_event").delete_many({"room_id": ObjectId(talk.room)})
    lines = documents(file)
    evil = '<p>hello</p><meta http-equiv="refresh" content="0;url=//evil.example">'
    event = next(line["event"] for line in lines if line.get("event", {}).get("text") == "hello")
    event |= {"html": evil, "original": {"text": "hello", "html": evil, "mentions": []}}
    file.write_text("\n".join(json.dumps(line) for line in lines))
    run("import_room", str(file))
    stored = collection("chat_event").find_one({"_id": event["_id"]}) or {}
    assert stored["html"] == stored["original"]["html"] == "<p>hello</p>"


def test_a_dry_run_stores_nothing(tmp_path: Path) -> None:
    talk = Talk()
    file = tmp_path / "room.jsonl"
    run("export_room", talk.room, str(file))
    collection("chat_room").delete_one({"_id": ObjectId(talk.room)})
    assert "1 rooms" in run("import_room", str(file), "--dry-run")
    assert collection("chat_room").find_one({"_id": ObjectId(talk.room)}) is None


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"parley": {"version": 9}}', '{"user": {}}'])
def test_what_is_not_such_a_file_is_refused(line: str) -> None:
    with pytest.raises(transfer.NotOurs, match="line 1"):
        list(transfer.take([line]))


def test_an_export_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such room"):
        run("export_room", "0" * 23 + "1", str(tmp_path / "x"))
    assert list(tmp_path.iterdir()) == []
