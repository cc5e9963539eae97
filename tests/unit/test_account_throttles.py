"""Counting without Redis."""

from accounts import throttles


def test_counts_within_a_window_and_begins_anew_after_it() -> None:
    counter = throttles.LocalCounter()

    assert counter.add("a", 60, now=0.0) == (1, 60.0)
    assert counter.add("a", 60, now=10.0) == (2, 50.0)
    assert counter.add("a", 60, now=60.0) == (1, 60.0)


def test_counts_subjects_apart() -> None:
    counter = throttles.LocalCounter()
    counter.add("a", 60, now=0.0)

    assert counter.add("b", 60, now=0.0)[0] == 1


def test_uncounts_what_is_given_back_but_never_below_nothing() -> None:
    counter = throttles.LocalCounter()
    counter.add("a", 60, now=0.0)

    counter.remove("a")
    counter.remove("a")
    counter.remove("never counted")

    assert counter.add("a", 60, now=1.0)[0] == 1


def test_forgets_the_one_untouched_for_longest_when_full() -> None:
    counter = throttles.LocalCounter(most=2)
    counter.add("a", 60, now=0.0)
    counter.add("b", 60, now=1.0)
    counter.add("a", 60, now=2.0)
    counter.add("c", 60, now=3.0)

    assert len(counter) == 2
    assert counter.add("a", 60, now=4.0)[0] == 3
    assert counter.add("b", 60, now=4.0)[0] == 1
