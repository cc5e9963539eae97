"""A feed in any interleaving of commits, losses, repeats, repairs and subscribers (Hypothesis)."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chat import feed
from chat.feed import Feed, Item
from chat.protocol.frames import Batch, Frame

FIRST = 3
"""The head of the room when its feed was made."""


def item(seq: int) -> Item:
    """Every third event is a message, every seventh deletes one."""
    kind = "message" if seq % 3 == 0 else "delete" if seq % 7 == 0 else "pin"
    return Item(seq, room_n=seq // 3, kind=kind, frame=Frame(b"%d" % seq))


class Reader:
    """Somebody attached when the feed had everything up to `start`."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.shown: list[int] = []
        self.end: int | None = None

    def push(self, frame: Frame) -> None:
        self.shown.append(int(frame.payload))

    def push_batch(self, batch: Batch) -> None:
        for frame in batch.frames:
            self.push(frame)


class FeedMachine(RuleBasedStateMachine):
    """The log grows; what this process hears of it is lost, doubled and shuffled."""

    def __init__(self) -> None:
        super().__init__()
        self.head = FIRST
        self.feed = Feed("room", last_seq=FIRST, room_n=FIRST // 3)
        self.readers: list[Reader] = []
        self.skipped: list[tuple[int, int]] = []
        self.recalled: set[int] = set()
        """Read from the log since the last deletion that the feed knows."""

    @rule(count=some.integers(1, 9))
    def others_write(self, count: int) -> None:
        self.head += count

    def offer(self, seqs: Iterable[int]) -> list[Item]:
        ready = self.feed.offer(item(seq) for seq in seqs)
        if any(each.kind == "delete" for each in ready):
            self.recalled.clear()
        return ready

    @precondition(lambda self: self.head > FIRST)
    @rule(data=some.data())
    def some_of_it_is_heard(self, data: Any) -> None:
        seqs = some.lists(some.integers(max(1, self.feed.last_seq - 5), self.head), max_size=12)
        heard = data.draw(seqs)
        before = self.feed.last_seq
        ready = self.offer(heard)
        assert [each.seq for each in ready] == list(range(before + 1, self.feed.last_seq + 1))

    @precondition(lambda self: self.feed.missing_before is not None)
    @rule()
    def the_hole_is_read_from_the_log(self) -> None:
        missing = self.feed.missing_before
        assert missing is not None
        self.offer(range(self.feed.last_seq + 1, missing))
        assert self.feed.missing_before is None or self.feed.missing_before > missing

    @precondition(lambda self: self.head > self.feed.last_seq)
    @rule()
    def heads_are_compared_and_the_rest_is_read(self) -> None:
        self.offer(range(self.feed.last_seq + 1, self.head + 1))
        assert self.feed.last_seq == self.head
        assert self.feed.missing_before is None

    @precondition(lambda self: self.head > self.feed.last_seq)
    @rule()
    def it_is_too_far_behind_and_gives_up(self) -> None:
        before = self.feed.last_seq
        self.feed.skip_to(last_seq=self.head, room_n=self.head // 3)
        self.skipped.append((before, self.head))

    @rule()
    def somebody_comes(self) -> None:
        reader = Reader(self.feed.last_seq)
        self.feed.attach(reader)
        self.readers.append(reader)

    @precondition(lambda self: any(reader.end is None for reader in self.readers))
    @rule(data=some.data())
    def somebody_goes(self, data: Any) -> None:
        reader = data.draw(some.sampled_from([r for r in self.readers if r.end is None]))
        self.feed.detach(reader)
        reader.end = self.feed.last_seq

    @rule()
    def the_moment_is_over(self) -> None:
        self.feed.flush()
        assert self.feed.flushed_seq == self.feed.last_seq
        assert not self.feed.has_gathered

    @rule(back=some.integers(0, 40))
    def somebody_wants_what_was_before(self, back: int) -> None:
        since = max(0, self.feed.last_seq - back)
        kept = self.feed.since(since)
        if kept is not None:
            assert [each.seq for each in kept] == list(range(since + 1, self.feed.last_seq + 1))
            # What was deleted must not come back: of before a deletion nothing is kept but what
            # was read from the log after it.
            gone = max((each.seq for each in kept if each.kind == "delete"), default=0)
            assert {each.seq for each in kept if each.seq < gone} <= self.recalled

    @rule(back=some.integers(1, 40), most=some.integers(1, 40))
    def somebody_read_it_from_the_log(self, back: int, most: int) -> None:
        first = max(1, self.feed.last_seq - back)
        read = range(first, min(first + most, self.feed.last_seq + 1))
        self.feed.recall([item(seq) for seq in read])
        self.recalled |= set(read)

    @invariant()
    def everybody_has_everything_once_and_in_order(self) -> None:
        for reader in self.readers:
            upto = self.feed.flushed_seq if reader.end is None else reader.end
            gone = {s for before, after in self.skipped for s in range(before + 1, after + 1)}
            wanted = [seq for seq in range(reader.start + 1, upto + 1) if seq not in gone]
            assert reader.shown == wanted

    @invariant()
    def it_is_never_ahead_of_the_log(self) -> None:
        assert self.feed.flushed_seq <= self.feed.last_seq <= self.head
        assert self.feed.room_n == self.feed.last_seq // 3

    @invariant()
    def what_came_early_is_bounded(self) -> None:
        assert len(self.feed._early) <= feed.EARLY_MAX


@pytest.mark.parametrize(("early", "ring"), [(4, 5), (512, 256)])
def test_subscribers_are_given_everything_once_and_in_order(
    monkeypatch: pytest.MonkeyPatch, early: int, ring: int
) -> None:
    monkeypatch.setattr(feed, "EARLY_MAX", early)
    monkeypatch.setattr(feed, "RING_MAX", ring)
    run_state_machine_as_test(
        FeedMachine,
        settings=settings(max_examples=80, stateful_step_count=40, deadline=None, derandomize=True),
    )
