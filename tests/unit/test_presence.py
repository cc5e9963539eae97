"""When people are told of who comes and who goes: who reloads a page has not gone."""

import time

import pytest

from chat import presence
from chat.presence import Presence


class Clock:
    """The time as presence sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def people() -> Presence:
    """Ann and Ben are there, of which everybody was told."""
    made = Presence(changed=lambda _: None, found=lambda _: None)
    for name in ("ann", "ben"):
        made.set(name, "a tab", presence.ONLINE)
    assert set(made._take_arrivals()) == {"ann", "ben"}
    return made


def test_who_goes_is_told_of_after_a_while_whenever_the_last_round_was(
    clock: Clock, people: Presence
) -> None:
    people.remove("ann", "a tab")
    went_at = clock.now
    told = clock.now - 0.99 * presence.GATHER_S  # the next round is about to be
    clock.now = people._next_round(told)
    assert clock.now < went_at + presence.GATHER_S
    assert people._take_due(clock.now) == {}
    clock.now = people._next_round(clock.now)
    assert went_at + presence.GATHER_S <= clock.now <= went_at + 1.1 * presence.GATHER_S
    assert people._take_due(clock.now) == {"ann": {"a tab": ""}}
    assert people._take_due(clock.now) == {}


def test_who_comes_back_is_told_of_at_once_with_what_went(clock: Clock, people: Presence) -> None:
    people.remove("ann", "a tab")
    people.remove("ben", "a tab")
    people.set("ann", "a new tab", presence.ONLINE)
    assert people._take_arrivals() == {"ann": {"a tab": "", "a new tab": presence.ONLINE}}
    clock.now = people._next_round(clock.now + presence.GATHER_S)
    assert people._take_due(clock.now) == {"ben": {"a tab": ""}}


def test_those_who_go_one_after_the_other_are_each_given_their_while(
    clock: Clock, people: Presence
) -> None:
    people.remove("ann", "a tab")
    clock.now += 0.6 * presence.GATHER_S
    people.remove("ben", "a tab")
    clock.now += 0.6 * presence.GATHER_S
    assert set(people._take_due(clock.now)) == {"ann"}
    clock.now += 0.6 * presence.GATHER_S
    assert set(people._take_due(clock.now)) == {"ben"}
