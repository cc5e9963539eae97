"""What a client makes of each room's events: once, in order, and every broken promise counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client import cursors, frames

ROOM = "a" * 24


def event(seq: int) -> frames.Event:
    return frames.Event("message.new", ROOM, seq, {})


@pytest.fixture
def counts() -> cursors.Counts:
    return cursors.Counts()


@pytest.fixture
def standing(counts: cursors.Counts) -> cursors.Cursors:
    return cursors.Cursors(counts, {ROOM: 10})


def taken(standing: cursors.Cursors, *seqs: int) -> list[int | None]:
    return [e.seq for seq in seqs for e in standing.take(ROOM, seq, event(seq))]


def test_hands_on_what_is_next_in_line(standing: cursors.Cursors, counts: cursors.Counts) -> None:
    assert taken(standing, 11, 12, 13) == [11, 12, 13]
    assert standing.known() == {ROOM: 13}
    assert counts.broken == 0


def test_drops_and_counts_what_came_before(
    standing: cursors.Cursors, counts: cursors.Counts
) -> None:
    assert taken(standing, 11, 11, 9) == [11]
    assert counts.twice == 2


def test_holds_back_what_is_behind_a_hole(standing: cursors.Cursors) -> None:
    assert taken(standing, 12, 13) == []
    assert standing.missing(ROOM)
    assert not standing.reached(ROOM, 12)
    assert standing.known() == {ROOM: 10}


def test_puts_a_late_event_in_its_place(standing: cursors.Cursors, counts: cursors.Counts) -> None:
    assert taken(standing, 12, 13, 15, 11) == [11, 12, 13]
    assert counts.out_of_order == 1
    assert standing.missing(ROOM)
    assert taken(standing, 14) == [14, 15]
    assert not standing.missing(ROOM)


def test_counts_an_early_event_that_comes_again(
    standing: cursors.Cursors, counts: cursors.Counts
) -> None:
    assert taken(standing, 12, 12, 11, 12) == [11, 12]
    assert counts.twice == 2


def test_bounds_what_it_holds_back(standing: cursors.Cursors) -> None:
    assert taken(standing, *range(12, 12 + 2 * cursors.EARLY_MAX)) == []
    assert len(taken(standing, 11)) == 1 + cursors.EARLY_MAX


def test_counts_events_of_rooms_one_is_not_in(
    standing: cursors.Cursors, counts: cursors.Counts
) -> None:
    standing.drop(ROOM)
    assert taken(standing, 11) == [11]
    assert counts.strays == 1


def test_starts_again_from_where_a_reset_says(
    standing: cursors.Cursors, counts: cursors.Counts
) -> None:
    taken(standing, 12)
    standing.put(ROOM, 1_000)
    assert taken(standing, 1_001) == [1_001]
    assert counts.broken == 0


def test_expects_behind_holes_nothing_after_a_new_connection(
    standing: cursors.Cursors, counts: cursors.Counts
) -> None:
    taken(standing, 12)
    standing.forget_early()
    assert taken(standing, 11, 12) == [11, 12]
    assert counts.broken == 0


@given(st.lists(st.integers(min_value=1, max_value=30), max_size=60))
def test_hands_on_a_gapless_run_whatever_comes(seqs: list[int]) -> None:
    counts = cursors.Counts()
    standing = cursors.Cursors(counts, {ROOM: 0})
    handed = taken(standing, *seqs)
    assert handed == list(range(1, len(handed) + 1))
    assert set(range(1, len(handed) + 1)) <= set(seqs)
    assert len(handed) + 1 not in seqs
    assert counts.twice == len(seqs) - len(set(seqs))
