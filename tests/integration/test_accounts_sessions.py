"""One's logins: seeing and ending them."""

from datetime import timedelta

import pytest

from accounts import selectors, services, stored
from accounts.models import Session
from accounts.services import logins
from chatsite import times
from tests import people
from tests.people import Api


def test_lists_ones_logins_the_most_recently_used_first() -> None:
    alice = people.person("alice")
    services.session_create(
        alice, agent="old", address="", now=times.utc_now() - timedelta(hours=3)
    )
    people.browser(alice)
    api, _ = people.signed_in(alice)

    listed = api.get("/auth/sessions").body["results"]

    assert [session["kind"] for session in listed] == ["token", "page", "token"]
    assert [session["current"] for session in listed] == [True, False, False]
    assert listed[2]["agent"] == "old"
    assert set(listed[0]) == {
        "id",
        "kind",
        "agent",
        "address",
        "created_at",
        "last_used_at",
        "expires_at",
        "current",
    }
    assert listed[0]["created_at"].endswith("Z")


def test_remembers_where_a_login_began_and_cuts_what_is_too_long() -> None:
    alice = people.person("alice")
    answer = Api().post(
        "/auth/login",
        {"login": alice.username, "password": people.PASSWORD},
        **{"User-Agent": "x" * 500},
    )

    session = Api(access=answer.body["access"]).get("/auth/sessions").body["results"][0]

    assert session["agent"] == "x" * 200
    assert session["address"].startswith("10.")


def test_leaves_out_what_has_ended_or_expired() -> None:
    alice = people.person("alice")
    services.session_create(alice, agent="", address="", now=times.utc_now() - timedelta(days=31))
    ended = services.session_create(alice, agent="", address="")
    services.session_end(user_id=str(alice.pk), session_id=str(ended.pk))
    api, _ = people.signed_in(alice)

    assert len(api.get("/auth/sessions").body["results"]) == 1


def test_ends_one() -> None:
    alice = people.person("alice")
    mine, _ = people.signed_in(alice)
    lost, refresh = people.signed_in(alice)
    lost_id = next(
        session["id"]
        for session in lost.get("/auth/sessions").body["results"]
        if session["current"]
    )

    with people.ended() as told:
        answer = mine.delete(f"/auth/sessions/{lost_id}")

    assert answer.status == 204
    assert told == [{"user_id": str(alice.pk), "session_ids": [lost_id], "reason": "revoked"}]
    assert lost.get("/me").status == 401
    assert Api().post("/auth/refresh", {"refresh": refresh}).status == 401
    assert mine.get("/me").status == 200
    assert mine.delete(f"/auth/sessions/{lost_id}").status == 404


def test_ends_nobody_elses() -> None:
    alice, charlie = people.person("alice"), people.person("charlie")
    theirs = services.session_create(alice, agent="", address="")
    stranger, _ = people.signed_in(charlie)

    there = stranger.delete(f"/auth/sessions/{theirs.pk}")
    nowhere = stranger.delete(f"/auth/sessions/{'0' * 24}")

    assert there.status == nowhere.status == 404
    for answer in (there, nowhere):
        assert {**answer.body["error"], "request_id": ""} == {
            "code": "not_found",
            "message": "There is no such thing here.",
            "request_id": "",
        }
    assert len(selectors.sessions_live(user_id=str(alice.pk))) == 1


@pytest.mark.parametrize("session_id", ["x", "0" * 23, "$ne", "a%00b", "0" * 25, "é"])
def test_takes_what_is_no_id_for_nothing(session_id: str) -> None:
    api, _ = people.signed_in(people.person("alice"))

    assert api.delete(f"/auth/sessions/{session_id}").status == 404


def test_ends_all_others() -> None:
    alice = people.person("alice")
    mine, _ = people.signed_in(alice)
    first, _ = people.signed_in(alice)
    second, _ = people.signed_in(alice)
    page = people.browser(alice)

    with people.ended() as told:
        answer = mine.delete("/auth/sessions")

    assert answer.status == 204
    assert len(told) == 1
    assert len(told[0]["session_ids"]) == 3
    assert mine.get("/me").status == 200
    assert first.get("/me").status == second.get("/me").status == 401
    assert page.get("/accounts/logout/").status_code == 302


def test_asks_who_one_is() -> None:
    for method, path in [
        ("GET", "/auth/sessions"),
        ("DELETE", "/auth/sessions"),
        ("DELETE", f"/auth/sessions/{'0' * 24}"),
        ("POST", "/auth/password"),
        ("GET", "/me"),
        ("PATCH", "/me"),
        ("GET", "/users"),
        ("GET", f"/users/{'0' * 24}"),
    ]:
        answer = Api().call(method, path, {})
        assert answer.status == 401, path
        assert answer.code == "unauthenticated"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_ends_the_one_longest_unused_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logins, "SESSIONS_PER_USER", 3)
    alice = people.person("alice")
    now = times.utc_now()
    made = [
        services.session_create(alice, agent=str(n), address="", now=now + timedelta(seconds=n))
        for n in range(5)
    ]

    live = selectors.sessions_live(user_id=str(alice.pk), now=now)

    assert [session.id for session in live] == [str(session.pk) for session in made[:1:-1]]


def test_tells_of_a_suspension_even_of_those_without_a_login() -> None:
    alice = people.person("alice")

    with people.ended() as told:
        services.user_suspend(alice)

    assert told == [{"user_id": str(alice.pk), "session_ids": [], "reason": "suspended"}]


def test_lets_the_database_remove_what_is_over() -> None:
    api, refresh = people.signed_in(people.person("alice"))
    session_id = api.get("/auth/sessions").body["results"][0]["id"]
    Api().post("/auth/logout", {"refresh": refresh})

    row = Session.objects.get(pk=session_id)

    assert row.expires_at - row.revoked_at <= timedelta(days=1)
    database = stored.sessions().database
    for collection in (database["accounts_session"], database["accounts_pagesession"]):
        assert 0 in [
            index.get("expireAfterSeconds") for index in collection.index_information().values()
        ]


def test_finds_people_and_logins_by_whole_indexes() -> None:
    """Partial indexes are of no use to a query here (see `chatsite.indexes`)."""
    by_keys = {
        tuple(name for name, _ in index["key"]): index
        for collection in (stored.users(), stored.sessions())
        for index in collection.index_information().values()
    }

    for keys in (("username_key",), ("email",), ("display_key",)):
        assert by_keys[keys]["unique"] is True
        assert "partialFilterExpression" not in by_keys[keys]
    assert "partialFilterExpression" not in by_keys[("user_id", "revoked_at")]
