"""Signing in over REST, and how often one may try."""

import time
from typing import Any

import pytest
import redis
from django.test import override_settings
from pymongo.errors import AutoReconnect

from accounts import selectors, services, throttles
from chat import errors
from tests import people
from tests.people import Api


def attempt(login: str, password: str = people.PASSWORD, api: Api | None = None) -> Any:
    return (api or Api()).post("/auth/login", {"login": login, "password": password})


def test_takes_the_username_and_the_address_in_any_case() -> None:
    alice = people.person("alice")

    for login in (alice.username, alice.username.upper(), alice.email, alice.email.upper()):
        answer = attempt(login)
        assert answer.status == 200
        assert answer.body["user"]["id"] == str(alice.pk)


def test_answers_alike_to_a_wrong_password_and_an_unknown_name() -> None:
    alice = people.person("alice")

    wrong = attempt(alice.username, "wrong")
    unknown = attempt(people.unique("nobody"), "wrong")
    unknown_address = attempt(f"{people.unique('nobody')}@example.org", "wrong")

    assert wrong.status == unknown.status == unknown_address.status == 401
    said = [
        {**answer.body["error"], "request_id": ""} for answer in (wrong, unknown, unknown_address)
    ]
    assert said[0] == said[1] == said[2]
    assert said[0]["code"] == "unauthenticated"


def test_takes_as_long_for_an_unknown_name_as_for_a_known_one() -> None:
    alice, nobody = people.person("alice").username, people.unique("nobody")

    def took_s(login: str) -> float:
        began = time.perf_counter()
        assert attempt(login, "wrong").status == 401
        return time.perf_counter() - began

    attempt("warm-up", "wrong")
    # In turns, and the least of each: what else the machine does only adds to some of them.
    spans = [(took_s(alice), took_s(nobody)) for _ in range(9)]
    known, unknown = (min(each) for each in zip(*spans, strict=True))

    assert 0.6 < unknown / known < 1.67


@pytest.mark.parametrize("login", ["", ".*", "$ne", "a" * 5_000, "nul\x00", "@", "\u202e"])
def test_is_not_confused_by_an_odd_name(login: str) -> None:
    assert attempt(login).status in (401, 422)


@pytest.mark.parametrize("value", [{"$ne": None}, {"$gt": ""}, ["a"], None, 7])
def test_refuses_a_value_of_another_type(value: object) -> None:
    answer = Api().post("/auth/login", {"login": value, "password": value})

    assert answer.status == 422
    assert set(answer.fields) == {"login", "password"}


def test_tells_the_suspended_so_only_when_they_know_the_password() -> None:
    alice = people.person("alice")
    services.user_suspend(alice)

    assert attempt(alice.username, "wrong").code == "unauthenticated"
    told = attempt(alice.username)
    assert told.status == 403
    assert told.code == "forbidden"


def test_lets_the_restored_in_again() -> None:
    alice = people.person("alice")
    services.user_suspend(alice)
    services.user_restore(alice)

    assert attempt(alice.username).status == 200


def test_refuses_an_account_after_too_many_wrong_passwords_from_anywhere() -> None:
    alice, bob = people.person("alice"), people.person("bob")
    for _ in range(throttles.LOGIN_ACCOUNT.limit):
        assert attempt(alice.username, "wrong").status == 401

    refused = attempt(alice.username.upper())

    assert refused.status == 429
    assert refused.code == "rate_limited"
    assert 0 < int(refused.headers["Retry-After"]) <= throttles.LOGIN_ACCOUNT.window_s
    assert attempt(bob.username).status == 200


def test_knows_nobody_whose_name_only_begins_like_what_was_typed() -> None:
    # If it did, each filling would be another name to the throttle, and the same person.
    alice = people.person("alice")

    for name in (alice.username, alice.email):
        for filling in (" ", "\u2003"):
            assert attempt(name + filling * (254 - len(name)) + "x").status == 401


def test_refuses_an_unknown_name_just_so() -> None:
    nobody = people.unique("nobody")
    for _ in range(throttles.LOGIN_ACCOUNT.limit):
        assert attempt(nobody, "wrong").status == 401

    assert attempt(nobody, "wrong").status == 429


def test_refuses_an_address_that_tries_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        throttles, "LOGIN_ADDRESS", throttles.Throttle(people.unique("login"), limit=3, window_s=60)
    )
    attacker, alice = Api(), people.person("alice")
    for _ in range(3):
        assert attempt(people.unique("guess"), "wrong", attacker).status == 401

    assert attempt(alice.username, api=attacker).status == 429
    assert attempt(alice.username).status == 200


def test_does_not_count_those_who_know_their_password() -> None:
    alice, api = people.person("alice"), Api()

    for _ in range(throttles.LOGIN_ACCOUNT.limit + 3):
        assert attempt(alice.username, api=api).status == 200


def test_does_not_count_what_could_not_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = people.person("alice")

    def gone(login: str) -> None:
        raise AutoReconnect("gone")

    with monkeypatch.context() as patch:
        patch.setattr(selectors, "user_by_login", gone)
        for _ in range(throttles.LOGIN_ACCOUNT.limit + 1):
            assert attempt(alice.username).status == 503

    assert attempt(alice.username).status == 200


@override_settings(RATE_LIMITS=False)
def test_is_not_throttled_when_limits_are_lifted() -> None:
    alice = people.person("alice")
    for _ in range(throttles.LOGIN_ACCOUNT.limit + 1):
        assert attempt(alice.username, "wrong").status == 401

    assert attempt(alice.username).status == 200


def test_counts_in_this_process_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    away = redis.Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    monkeypatch.setattr(throttles, "_redis", lambda: away)
    monkeypatch.setattr(throttles, "_counter", throttles.SharedCounter())
    alice = people.person("alice")

    answers = [attempt(alice.username, "wrong").status for _ in range(11)]

    assert answers == [401] * 10 + [429]


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register", "/auth/refresh"])
def test_says_that_there_is_nothing_to_get(path: str) -> None:
    answer = Api().get(path)

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert answer.body["error"]["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/xml;q=0.9", "nonsense"])
def test_answers_in_json_whatever_was_asked_for(accept: str) -> None:
    answer = Api().post("/auth/login", {"login": "x", "password": "y"}, Accept=accept)

    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("change", ["password", "suspended", "forced"])
def test_does_not_outlive_what_changed_while_it_began(change: str) -> None:
    alice = people.person("alice")
    judged = services.login_check(
        login=alice.username, password=people.PASSWORD, address=people.address()
    )
    match change:
        case "password":
            services.password_change(
                alice, current=people.PASSWORD, new=people.OTHER_PASSWORD, keep_session_id=""
            )
        case "suspended":
            services.user_suspend(alice)
        case _:
            services.password_force(alice)

    with pytest.raises(errors.Unauthenticated):
        services.session_create(judged, agent="", address="")
    assert selectors.sessions_live(user_id=str(alice.pk)) == []
