"""Refresh tokens: good once, and what happens to a family when one comes back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from accounts import selectors, services, throttles, tokens
from accounts.models import Session
from chat import errors
from chatsite import times
from tests import people
from tests.people import Api


def test_exchanges_a_refresh_token_for_new_tokens() -> None:
    api, refresh = people.signed_in(people.person("alice"))

    answer = Api().post("/auth/refresh", {"refresh": refresh})

    assert answer.status == 200
    assert set(answer.body) == {"access", "refresh"}
    assert answer.body["refresh"] != refresh
    assert Api(access=answer.body["access"]).get("/me").status == 200
    assert api.get("/me").status == 200  # the access token before it lives out its quarter hour


def test_goes_on_as_long_as_each_token_is_used_once() -> None:
    _, refresh = people.signed_in(people.person("alice"))

    for _ in range(5):
        answer = Api().post("/auth/refresh", {"refresh": refresh})
        assert answer.status == 200
        refresh = answer.body["refresh"]


def test_ends_the_family_when_a_used_token_comes_back() -> None:
    alice = people.person("alice")
    other, _ = people.signed_in(alice)
    api, stolen = people.signed_in(alice)
    renewed = Api().post("/auth/refresh", {"refresh": stolen}).body

    with people.ended() as told:
        again = Api().post("/auth/refresh", {"refresh": stolen})

    assert again.status == 401
    assert again.code == "unauthenticated"
    assert [(t["user_id"], t["reason"]) for t in told] == [(str(alice.pk), "revoked")]
    assert Api().post("/auth/refresh", {"refresh": renewed["refresh"]}).status == 401
    assert Api(access=renewed["access"]).get("/me").status == 401
    assert api.get("/me").status == 401
    assert other.get("/me").status == 200


def test_tells_of_the_end_of_a_family_once() -> None:
    _, stolen = people.signed_in(people.person("alice"))
    Api().post("/auth/refresh", {"refresh": stolen})

    with people.ended() as told:
        for _ in range(3):
            assert Api().post("/auth/refresh", {"refresh": stolen}).status == 401

    assert len(told) == 1


@pytest.mark.parametrize("round_", range(5))
def test_lets_one_of_many_racing_with_the_same_token_have_it(round_: int) -> None:
    _, refresh = people.signed_in(people.person("alice"))
    racers = 6
    start = threading.Barrier(racers)

    def race() -> bool:
        start.wait(10)
        try:
            services.tokens_refresh(refresh)
        except errors.Unauthenticated:
            return False
        return True

    with ThreadPoolExecutor(racers) as pool:
        won = [future.result() for future in [pool.submit(race) for _ in range(racers)]]

    assert won.count(True) <= 1


def test_refuses_an_access_token() -> None:
    api, _ = people.signed_in(people.person("alice"))

    assert Api().post("/auth/refresh", {"refresh": api.access}).status == 401


def test_refuses_a_refresh_token_as_access() -> None:
    _, refresh = people.signed_in(people.person("alice"))

    answer = Api(access=refresh).get("/me")

    assert answer.status == 401
    assert answer.code == "unauthenticated"


def test_says_that_an_access_token_has_expired() -> None:
    alice = people.person("alice")
    long_ago = times.utc_now() - timedelta(minutes=16)
    session = services.session_create(alice, agent="", address="", now=long_ago)
    access, refresh = services.tokens_issue(session, now=long_ago)

    expired = Api(access=access).get("/me")

    assert expired.status == 401
    assert expired.code == "token_expired"
    assert Api().post("/auth/refresh", {"refresh": refresh}).status == 200


def test_says_that_a_refresh_token_has_expired() -> None:
    alice = people.person("alice")
    long_ago = times.utc_now() - timedelta(days=31)
    session = services.session_create(alice, agent="", address="", now=long_ago)
    _, refresh = services.tokens_issue(session, now=long_ago)

    answer = Api().post("/auth/refresh", {"refresh": refresh})

    assert answer.status == 401
    assert answer.code == "token_expired"


def test_lives_on_for_the_full_time_from_its_last_use() -> None:
    alice = people.person("alice")
    week_ago = times.utc_now() - timedelta(days=7)
    session = services.session_create(alice, agent="", address="", now=week_ago)
    _, refresh = services.tokens_issue(session, now=week_ago)

    services.tokens_refresh(refresh)

    live = selectors.sessions_live(user_id=str(alice.pk))[0]
    assert live.expires_at - times.utc_now() > timedelta(days=29)
    assert times.utc_now() - live.last_used_at < timedelta(minutes=1)


def test_refuses_the_suspended() -> None:
    alice = people.person("alice")
    api, refresh = people.signed_in(alice)

    services.user_suspend(alice)

    assert Api().post("/auth/refresh", {"refresh": refresh}).status == 401
    assert api.get("/me").status == 401


def test_refuses_the_token_of_a_session_that_is_no_more() -> None:
    _, refresh = people.signed_in(people.person("alice"))
    claims = tokens.token_read(refresh, now=times.utc_now().timestamp(), kind="refresh")
    Session.objects.filter(pk=claims.session_id).delete()

    assert Api().post("/auth/refresh", {"refresh": refresh}).status == 401


def test_refuses_the_token_of_somebody_elses_session() -> None:
    alice, bob = people.person("alice"), people.person("bob")
    session = services.session_create(bob, agent="", address="")
    _, crossed = tokens.tokens_make(
        user_id=str(alice.pk),
        session_id=str(session.pk),
        refresh_jti=session.refresh_jti,
        now=times.utc_now(),
    )

    assert Api().post("/auth/refresh", {"refresh": crossed}).status == 401
    session.refresh_from_db()
    assert session.revoked_at == times.NEVER


@pytest.mark.parametrize("value", ["", "x", "a.b.c", {"$ne": None}, None, 7, ["a"], "x" * 5_000])
def test_refuses_what_is_no_token(value: object) -> None:
    assert Api().post("/auth/refresh", {"refresh": value}).status in (401, 422)


def test_is_throttled_by_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        throttles, "REFRESH_ACCOUNT", throttles.Throttle(people.unique("r"), limit=2, window_s=60)
    )
    _, refresh = people.signed_in(people.person("alice"))
    for _ in range(2):
        refresh = Api().post("/auth/refresh", {"refresh": refresh}).body["refresh"]

    refused = Api().post("/auth/refresh", {"refresh": refresh})

    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 0


def test_logs_out() -> None:
    api, refresh = people.signed_in(people.person("alice"))

    with people.ended() as told:
        answer = Api().post("/auth/logout", {"refresh": refresh})

    assert answer.status == 204
    assert answer.text == ""
    assert [t["reason"] for t in told] == ["logout"]
    assert api.get("/me").status == 401
    assert Api().post("/auth/refresh", {"refresh": refresh}).status == 401


def test_logs_out_again_without_complaint() -> None:
    _, refresh = people.signed_in(people.person("alice"))
    Api().post("/auth/logout", {"refresh": refresh})

    assert Api().post("/auth/logout", {"refresh": refresh}).status == 204


def test_logs_nobody_out_with_what_is_no_token() -> None:
    answer = Api().post("/auth/logout", {"refresh": "a.b.c"})

    assert answer.status == 401
