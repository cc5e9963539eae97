"""What a log may look like after retention and a restore, and what is wrong in it all the same."""

from typing import Any

import pytest
from bson import ObjectId

from chat import replayed
from chat.replayed import AFTER_SEQ, Replay
from chatsite import times

ROOM = ObjectId()
JUMP = 1_700_000_000_000_000
Document = dict[str, Any]


def event(seq: int, kind: str = "message", *, n: int = 0, of: int = 0, **more: Any) -> Document:
    base = {"_id": f"{seq:032x}", "seq": seq, "kind": kind, "n": n if kind == "message" else 0}
    text = {"text": f"text {n}", "html": "", "mentions": []} if kind == "message" else {}
    return {**base, "room_n": n, "actor_id": ROOM, "at": times.EPOCH, **text, **more}


def messages(first: int, last: int, *, offset: int = 0) -> list[Document]:
    return [event(n + offset, n=n) for n in range(first, last + 1)]


def begins_anew(after: int, n: int) -> Document:
    return event(JUMP, "room", n=n, data={AFTER_SEQ: after})


def pin(seq: int, target: int, change: str, *, n: int) -> Document:
    return event(seq, "pin", n=n, target=f"{target:032x}", data={"change": change})


def kinds(replay: Replay, events: list[Document]) -> list[str]:
    found = [finding.kind for finding in replay.take(events)]
    return found + [finding.kind for finding in replay.findings()]


def test_a_restored_log_goes_on_behind_its_gap() -> None:
    replay = Replay(ROOM)
    after = [event(JUMP + 1, n=4), event(JUMP + 2, n=5)]
    assert kinds(replay, [*messages(1, 3), begins_anew(3, 3), *after]) == []
    assert (replay.seq, replay.n) == (JUMP + 2, 5)


def test_an_event_lost_before_the_gap_is_missed() -> None:
    replay = Replay(ROOM)
    [gap] = replay.take([*messages(1, 2), begins_anew(3, 3)])
    [mend] = gap.mends
    assert mend.change is not None
    assert (mend.change["seq"], mend.change["n"]) == (3, 3)


def test_the_event_of_the_gap_can_be_put_back_when_it_is_lost() -> None:
    replay = Replay(ROOM)
    log = [*messages(1, 3), event(JUMP + 1, n=4)]
    [gap] = replay.take(log)
    [mend] = gap.mends
    assert mend.change is not None
    assert (mend.change["seq"], mend.change["data"]) == (JUMP, {AFTER_SEQ: 3})
    mended = [*log[:3], {**mend.change, "_id": "x"}, log[3]]
    assert kinds(Replay(ROOM), mended) == []


def test_messages_lost_with_it_are_shown_as_gone() -> None:
    [gap] = Replay(ROOM).take([*messages(1, 3), event(JUMP + 1, n=6)])
    filled = [mend.change for mend in gap.mends if mend.change]
    assert [each["n"] for each in filled] == [4, 5]
    assert filled[0]["data"][AFTER_SEQ] == 3


def test_a_gap_is_never_filled_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replayed, "LOST_MAX", 10)
    gap, *_ = Replay(ROOM).take([event(JUMP, n=100)])
    assert len(gap.mends) == 10


def test_pinned_messages_below_the_floor_are_no_damage() -> None:
    replay = Replay(ROOM, floor=10, n=10)
    replay.keep([event(4, n=4, pinned=True)])
    assert kinds(replay, messages(11, 12)) == []


def test_what_was_unpinned_since_goes_with_the_next_prune() -> None:
    replay = Replay(ROOM, floor=10, n=10)
    replay.keep([event(4, n=4, pinned=False)])
    assert kinds(replay, [*messages(11, 12), pin(13, 4, "unpinned", n=12)]) == []


@pytest.mark.parametrize("left", [event(4, n=4), event(4, "member", n=3)])
def test_what_an_interrupted_prune_left_is_told(left: Document) -> None:
    replay = Replay(ROOM, floor=10, n=10)
    replay.keep([left])
    assert kinds(replay, messages(11, 12)) == ["left"]


def test_changes_of_what_was_pruned_are_no_damage_but_of_nothing_are() -> None:
    pruned = Replay(ROOM, floor=10, n=10)
    assert kinds(pruned, [*messages(11, 12), pin(13, 5, "pinned", n=12)]) == []
    whole = Replay(ROOM)
    assert kinds(whole, [*messages(1, 2), pin(3, 99, "pinned", n=2)]) == ["target"]
