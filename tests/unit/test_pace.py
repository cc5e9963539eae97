"""When a room's events go out, and that nobody gets one twice or not at all."""

import asyncio
from collections.abc import Callable

import pytest

from chat import pace
from chat.feed import LARGE, Feed, Item
from chat.pace import Pace
from chat.protocol.frames import Batch, Frame


class Reader:
    """A subscriber. `batches` as they came: the seqs in each."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def push(self, frame: Frame) -> None:
        self.batches.append([int(frame.payload)])

    def push_batch(self, batch: Batch) -> None:
        self.batches.append([int(frame.payload) for frame in batch.frames])

    @property
    def seqs(self) -> list[int]:
        return [seq for batch in self.batches for seq in batch]


def item(seq: int) -> Item:
    return Item(seq, seq, "message", Frame(str(seq).encode()))


def feed_with(*readers: Reader) -> Feed:
    feed = Feed("room", last_seq=0, room_n=0)
    for reader in readers:
        feed.attach(reader)
    return feed


class Clock:
    """The loop, turned by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.soon: list[Callable[[], None]] = []
        self.delays: list[float] = []
        """How long each moment was."""
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: self)

    def call_soon(self, do: Callable[..., None], *args: object) -> None:
        self.soon.append(lambda: do(*args))

    def call_later(self, delay: float, do: Callable[..., None], *args: object) -> None:
        self.due.append((delay, lambda: do(*args)))

    def turn(self) -> None:
        """The loop goes around until nothing is left to do now."""
        while self.soon:
            doing, self.soon = self.soon, []
            for do in doing:
                do()

    def moment(self) -> None:
        """All moments that are under way end."""
        ending, self.due = self.due, []
        for delay, do in ending:
            self.delays.append(delay)
            do()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_first_goes_out_at_once_and_what_follows_together(clock: Clock) -> None:
    alice, bob = Reader(), Reader()
    feed, paced = feed_with(alice, bob), Pace()
    for seq in range(1, 6):
        feed.offer([item(seq)])
        paced.deliver(feed)
        clock.turn()
    assert alice.batches == [[1]]
    clock.moment()
    assert alice.batches == bob.batches == [[1], [2, 3, 4, 5]]


def test_a_busy_room_goes_on_gathering_and_a_quiet_one_is_quick_again(clock: Clock) -> None:
    alice = Reader()
    feed, paced = feed_with(alice), Pace()
    feed.offer([item(1)])
    paced.deliver(feed)
    clock.turn()
    for seq in (2, 3):
        feed.offer([item(seq)])
        paced.deliver(feed)
        clock.turn()
        clock.moment()
    assert alice.batches == [[1], [2], [3]]
    clock.moment()
    assert clock.due == []
    feed.offer([item(4)])
    paced.deliver(feed)
    clock.turn()
    assert alice.batches[-1] == [4]


def waiting_feed(alice: Reader, paced: Pace, clock: Clock) -> Feed:
    """A large room with an event, behind which more is being written."""
    feed = feed_with(alice, *(Reader() for _ in range(LARGE - 1)))
    feed.offer([item(1)])
    paced.deliver(feed, has_more=True)
    clock.turn()
    assert alice.batches == []
    return feed


def test_a_large_room_waits_for_what_is_being_written(clock: Clock) -> None:
    alice = Reader()
    paced = Pace()
    feed = waiting_feed(alice, paced, clock)
    feed.offer([item(2)])
    paced.deliver(feed)
    clock.turn()
    assert alice.batches == [[1, 2]]


def test_a_large_room_does_not_wait_for_long(clock: Clock) -> None:
    alice = Reader()
    waiting_feed(alice, Pace(), clock)
    clock.moment()
    clock.turn()
    assert alice.batches == [[1]]
    assert clock.delays[0] == pace.GATHER_MAX_S


def test_a_small_room_waits_for_nothing(clock: Clock) -> None:
    alice = Reader()
    feed, paced = feed_with(alice), Pace()
    feed.offer([item(1)])
    paced.deliver(feed, has_more=True)
    clock.turn()
    assert alice.batches == [[1]]
    assert clock.delays == []
    clock.moment()
    assert clock.delays == [pace.GATHER_S]


def test_answers_that_are_due_go_out_before_it(clock: Clock) -> None:
    alice = Reader()
    feed, paced = feed_with(alice), Pace()
    feed.offer([item(1)])
    clock.call_soon(alice.push, Frame(b"0"))
    paced.deliver(feed)
    assert alice.batches == []
    clock.turn()
    assert alice.batches == [[0], [1]]


def test_rooms_do_not_wait_for_each_other(clock: Clock) -> None:
    alice, bob = Reader(), Reader()
    hers, his, paced = feed_with(alice), feed_with(bob), Pace()
    for feed in (hers, his):
        feed.offer([item(1)])
        paced.deliver(feed)
        clock.turn()
    assert alice.batches == bob.batches == [[1]]


def test_who_comes_while_something_waits_gets_only_what_is_after(clock: Clock) -> None:
    alice, bob = Reader(), Reader()
    feed, paced = feed_with(alice), Pace()
    for seq in (1, 2):
        feed.offer([item(seq)])
        paced.deliver(feed)
        clock.turn()
    assert (feed.last_seq, feed.flushed_seq) == (2, 1)
    feed.attach(bob)
    feed.offer([item(3)])
    clock.moment()
    assert alice.seqs == [1, 2, 3]
    assert bob.seqs == [3]
    assert feed.flushed_seq == 3


def test_who_goes_gets_what_was_taken_before(clock: Clock) -> None:
    alice = Reader()
    feed, paced = feed_with(alice), Pace()
    for seq in (1, 2):
        feed.offer([item(seq)])
        paced.deliver(feed)
        clock.turn()
    feed.detach(alice)
    feed.offer([item(3)])
    clock.moment()
    assert alice.seqs == [1, 2]


def test_a_feed_that_gives_up_has_pushed_what_it_took() -> None:
    alice = Reader()
    feed = feed_with(alice)
    feed.offer([item(1)])
    feed.skip_to(last_seq=9, room_n=9)
    feed.offer([item(10)])
    feed.flush()
    assert alice.seqs == [1, 10]


def test_a_batch_is_prepared_once_for_all() -> None:
    made: list[list[bytes]] = []

    def prepare(payloads: object) -> bytes:
        assert not isinstance(payloads, bytes)
        made.append(list(payloads))  # type: ignore[call-overload]  # any iterable
        return b"".join(made[-1])

    batch = Batch([Frame(b"a"), Frame(b"b")])
    assert [batch.prepared(prepare) for _ in range(3)] == [b"ab"] * 3
    assert made == [[b"a", b"b"]]
