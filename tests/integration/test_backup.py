"""A backup holds every room as it was at one moment, whatever happens while it is copied."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import ObjectId

from chat import backup, restore, stored
from chat.archive import Reader, Writer
from chat.replayed import Replay
from tests.integration.test_verify import Talk, new

pytestmark = pytest.mark.usefixtures("running_services")


def copied(talk: Talk, folder: Path) -> Reader:
    with Writer(folder) as out:
        backup._Room(ObjectId(talk.room), out, lambda *_, **__: None).copy()
        out.finish()
    return Reader(folder)


def events_of(source: Reader) -> list[dict[str, Any]]:
    """As a restore puts them together."""
    found = {event["_id"]: event for event in source.documents("chat_event")}
    assert len(found) == source.count("chat_event")
    found |= {event["_id"]: event for event in source.documents(backup.CHANGED)}
    return sorted(found.values(), key=lambda event: int(event["seq"]))


def test_everything_that_happens_meanwhile_fits_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk()
    talk.say("one more")
    path = f"/rooms/{talk.room}/messages"
    real = stored.pages
    rounds = iter(range(2))

    def busy(*args: Any, **more: Any) -> Iterator[list[dict[str, Any]]]:
        for page in real(*args, **more):
            yield page
            if next(rounds, None) == 0:  # all that was copied changes before the cut
                talk.check(talk.api.patch(f"{path}/{talk.plain}", {"id": new(), "text": "late"}))
                talk.check(talk.api.delete(f"{path}/{talk.edited}"))
                talk.react(talk.pinned)
                talk.say("during")
                talk.check(talk.api.call("DELETE", f"{path}/{talk.pinned}/pin"))

    monkeypatch.setattr(stored, "pages", busy)
    monkeypatch.setattr(backup, "TAIL_MAX", 3)
    source = copied(talk, tmp_path / "backup")
    events = events_of(source)
    assert events == talk.events()
    replay = Replay(ObjectId(talk.room))
    assert list(replay.take(events)) + list(replay.findings()) == []
    [room] = source.documents("chat_room")
    assert room["_id"] == ObjectId(talk.room)
    assert source.count("chat_membership") == room["members_count"]


def test_what_happens_after_the_cut_is_not_in_it(tmp_path: Path) -> None:
    talk = Talk()
    before = talk.events()
    source = copied(talk, tmp_path / "backup")
    talk.say("too late")
    assert events_of(source) == before


def test_no_login_is_in_a_backup() -> None:
    names = backup._collections()
    assert not set(names) & {"accounts_session", "accounts_pagesession"}
    assert set(names) >= {*backup.OF_ROOMS, *backup.REFERRED_TO, "chat_report"}


def test_any_tool_for_bson_can_read_it(tmp_path: Path) -> None:
    talk = Talk()
    copied(talk, tmp_path / "backup")
    content = gzip.decompress((tmp_path / "backup" / "chat_event.bson.gz").read_bytes())
    assert len(bson.decode_all(content)) == len(talk.events())


def test_what_is_there_is_not_replaced_by_mistake(tmp_path: Path) -> None:
    Talk()
    with pytest.raises(restore.Refused, match="there are rooms"):
        restore.check_place()
    with Writer(tmp_path / "backup") as out:
        out.finish(migrations=[*backup.migrations(), "chat.9999_of_tomorrow"], release="9")
    with pytest.raises(restore.Refused, match="release 9 made it, which is newer"):
        restore.check_release(Reader(tmp_path / "backup"))
