"""One's own profile, and finding others."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from accounts import live, selectors, services, signals
from accounts.models import User
from tests import people
from tests.people import Api


@pytest.fixture(scope="module")
def asker() -> Api:
    """Somebody who looks for others."""
    return people.signed_in(people.person("asker"))[0]


def found(asker: Api, q: str) -> list[str]:
    """The usernames on all pages."""
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = asker.get(f"/users?q={q}&cursor={cursor}")
        assert answer.status == 200, answer.text
        names += [user["username"] for user in answer.body["results"]]
        cursor = answer.body["next_cursor"]
    return names


def make(username: str, display_name: str = "") -> str:
    """Somebody of just this name. Returns the username."""
    user = services.user_create(
        username=username[:32],
        email=f"{username}@example.org",
        password=people.PASSWORD,
        display_name=display_name,
    )
    return str(user.username)


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Whose profile is told to have changed."""
    changed: list[str] = []

    def listen(user_id: str, **_: Any) -> None:
        changed.append(user_id)

    signals.profile_changed.connect(listen)
    yield changed
    signals.profile_changed.disconnect(listen)


def test_shows_oneself() -> None:
    alice = people.person("alice", display_name="Alice")
    api, _ = people.signed_in(alice)

    answer = api.get("/me")

    assert answer.status == 200
    assert answer.body == {
        "id": str(alice.pk),
        "username": alice.username,
        "display_name": "Alice",
        "avatar": "",
        "status_text": "",
        "email": alice.email,
        "is_staff": False,
        "shares_presence": True,
        "shares_receipts": True,
        "created_at": answer.body["created_at"],
    }


def test_changes_what_was_given_and_nothing_else(told: list[str]) -> None:
    alice = people.person("alice", display_name="Alice")
    api, _ = people.signed_in(alice)

    answer = api.patch("/me", {"status_text": " at  lunch ", "shares_presence": False})

    assert answer.status == 200
    assert answer.body["status_text"] == "at lunch"
    assert answer.body["shares_presence"] is False
    assert answer.body["display_name"] == "Alice"
    assert api.get("/me").body == answer.body
    assert told == [str(alice.pk)]


def test_changes_nothing_without_a_word(told: list[str]) -> None:
    api, _ = people.signed_in(people.person("alice"))

    assert api.patch("/me", {}).status == 200
    assert told == []


def test_gives_back_the_username_for_an_empty_name() -> None:
    alice = people.person("alice", display_name="Alice")
    api, _ = people.signed_in(alice)

    assert api.patch("/me", {"display_name": ""}).body["display_name"] == alice.username


@pytest.mark.parametrize(
    "body",
    [
        {"username": "other"},
        {"email": "other@example.org"},
        {"is_staff": True},
        {"is_active": False},
        {"password": "x"},
        {"avatar": "https://tracker.example/pixel.png"},
        {"display_name": "x" * 65},
        {"display_name": "a\u202eb"},
        {"display_name": {"$ne": None}},
        {"display_name": 7},
        {"display_name": None},
        {"status_text": "x" * 101},
        {"shares_presence": "yes"},
        {"shares_presence": 1},
        {"shares_receipts": None},
    ],
)
def test_refuses_what_one_may_not_change(body: dict[str, object], told: list[str]) -> None:
    alice = people.person("alice")
    api, _ = people.signed_in(alice)
    before = api.get("/me").body

    answer = api.patch("/me", body)

    assert answer.status == 422
    assert list(answer.fields) == list(body)
    assert api.get("/me").body == before
    assert told == []


def test_shows_others_what_is_public_only(asker: Api) -> None:
    alice = people.person("alice", display_name="Alice")

    answer = asker.get(f"/users/{alice.pk}")

    assert answer.status == 200
    assert answer.body == {
        "id": str(alice.pk),
        "username": alice.username,
        "display_name": "Alice",
        "avatar": "",
        "status_text": "",
    }


def test_shows_the_suspended_as_their_messages_remain(asker: Api) -> None:
    alice = people.person("alice")
    services.user_suspend(alice)

    assert asker.get(f"/users/{alice.pk}").status == 200


@pytest.mark.parametrize("user_id", ["0" * 24, "me", "0" * 23, "$ne", ".*", "%00", "x" * 300])
def test_knows_nobody_by_another_id(asker: Api, user_id: str) -> None:
    answer = asker.get(f"/users/{user_id}")

    assert answer.status == 404
    assert answer.code == "not_found"


def test_finds_people_by_how_their_username_begins(asker: Api) -> None:
    stem = people.unique("zoe")
    names = [make(f"{stem}{end}") for end in ("c", "A", "b")]
    make(f"x{stem}")

    assert found(asker, stem.upper()) == sorted(names, key=str.lower)


def test_finds_people_by_how_their_name_begins_after_those_by_username(asker: Api) -> None:
    stem = people.unique("kim")
    by_name = make(people.unique("a"), display_name=f"{stem.upper()} Li")
    by_both = make(f"{stem}x", display_name=f"{stem} Park")
    make(people.unique("b"), display_name=f"Li {stem}")

    assert found(asker, stem) == [by_both, by_name]


def test_finds_names_in_any_script_and_with_emoji(asker: Api) -> None:
    tail = people.unique("")
    fox = make(people.unique("f"), display_name=f"Лиса{tail} 🦊")
    bare = make(people.unique("f"), display_name=f"Лиса{tail}🦊")

    assert sorted(found(asker, f"лиса{tail}")) == sorted([fox, bare])


def test_pages_through_everybody_once(asker: Api) -> None:
    stem = people.unique("p")[:14]
    made = [User(username=f"{stem}{n:03d}", email=f"{stem}{n}@example.org") for n in range(120)]
    for n, user in enumerate(made):
        user.is_active = n % 3 != 0
        user.save(force_insert=True)

    first = asker.get(f"/users?q={stem}")

    assert first.body["next_cursor"]
    assert len(first.body["results"]) <= selectors.USERS_PAGE
    assert found(asker, stem) == [user.username for user in made if user.is_active]


def test_leaves_out_the_suspended(asker: Api) -> None:
    alice = people.person("alice")
    services.user_suspend(alice)

    assert found(asker, alice.username) == []


@pytest.mark.parametrize(
    "q", [".*", "%5E", "a.c", "%24ne", "%00", "[a-z]", "(", "%F0%9F%A6%8A", "%25"]
)
def test_takes_no_search_for_a_pattern(asker: Api, q: str) -> None:
    people.person("abc")

    assert found(asker, q) == []


def test_lists_people_when_asked_for_nobody_in_particular(asker: Api) -> None:
    answer = asker.get("/users")

    assert answer.status == 200
    assert 0 < len(answer.body["results"]) <= selectors.USERS_PAGE


@pytest.mark.parametrize(
    "query",
    ["q=" + "x" * 65, "cursor=x", "cursor=MXplYnJh%00", "q=alice&cursor=MHpvZQ", "cursor=MnpvZQ"],
)
def test_refuses_a_search_that_is_none(asker: Api, query: str) -> None:
    answer = asker.get(f"/users?{query}")

    assert answer.status == 422
    assert answer.code == "validation_failed"


def test_says_that_the_database_cannot_be_reached(
    asker: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(**_: Any) -> None:
        raise AutoReconnect("mongo:27017: connection refused")

    monkeypatch.setattr(live, "identity_load", gone)

    answer = asker.get("/me")

    assert answer.status == 503
    assert answer.code == "unavailable"
    assert answer.headers["Retry-After"] == "1"
    assert "27017" not in answer.text


def test_tells_nothing_of_a_fault_of_ours(asker: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the secret of the universe")

    monkeypatch.setattr(selectors, "user_own", broken)

    answer = asker.get("/me")

    assert answer.status == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.body["error"]["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/nothing", "/me/", "/auth", "/users/a/b", "//", "/%00"])
def test_answers_an_unknown_address_in_the_same_shape(path: str) -> None:
    answer = Api().get(path)

    assert answer.status == 404
    assert answer.code == "not_found"
    assert answer.body["error"]["request_id"] == answer.headers["X-Request-Id"]
