"""Making an account over REST."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import override_settings
from prometheus_client import REGISTRY

from accounts import selectors
from accounts.models import User
from tests import people
from tests.people import Api


def body(**changes: Any) -> dict[str, Any]:
    username = people.unique("alice")
    return {
        "username": username,
        "email": f"{username}@example.org",
        "password": people.PASSWORD,
        **changes,
    }


def test_answers_with_the_person_and_tokens_that_work() -> None:
    sent = body(display_name="  Alice   Lidell ")

    answer = Api().post("/auth/register", sent)

    assert answer.status == 201
    assert set(answer.body) == {"user", "access", "refresh"}
    assert answer.body["user"]["username"] == sent["username"]
    assert answer.body["user"]["display_name"] == "Alice Lidell"
    assert answer.headers["Cache-Control"] == "no-store"
    me = Api(access=answer.body["access"]).get("/me")
    assert me.status == 200
    assert me.body == answer.body["user"]


def test_calls_people_by_their_username_when_they_give_no_other_name() -> None:
    sent = body()

    assert Api().post("/auth/register", sent).body["user"]["display_name"] == sent["username"]


def test_keeps_no_password_but_its_argon2id_hash() -> None:
    sent = body()
    answer = Api().post("/auth/register", sent)

    user = User.objects.get(pk=answer.body["user"]["id"])

    assert user.password.startswith("argon2$argon2id$")
    assert people.PASSWORD not in answer.text


def test_counts_registrations() -> None:
    before = REGISTRY.get_sample_value("user_registrations_total") or 0.0

    Api().post("/auth/register", body())
    Api().post("/auth/register", body(password="short"))

    assert REGISTRY.get_sample_value("user_registrations_total") == before + 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "a"}, "username"),
        ({"username": "with space"}, "username"),
        ({"username": "x" * 33}, "username"),
        ({"username": ""}, "username"),
        ({"email": "nobody"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "12345678901"}, "password"),
        ({"password": "password123"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"display_name": "a\u202eb"}, "display_name"),
        ({"display_name": "nul\x00"}, "display_name"),
        ({"display_name": "x" * 65}, "display_name"),
    ],
)
def test_says_what_is_wrong_with_a_field(changes: dict[str, str], field: str) -> None:
    sent = body(**changes)

    answer = Api().post("/auth/register", sent)

    assert answer.status == 422
    assert answer.code == "validation_failed"
    assert list(answer.fields) == [field]
    assert selectors.user_by_email(sent["email"]) is None


def test_refuses_a_password_like_the_name() -> None:
    sent = body()

    answer = Api().post("/auth/register", {**sent, "password": sent["username"]})

    assert list(answer.fields) == ["password"]


@pytest.mark.parametrize("field", ["username", "email", "password", "display_name"])
@pytest.mark.parametrize("value", [{"$ne": None}, ["a"], 7, 1.5, True, None, {}])
def test_refuses_a_value_of_another_type(field: str, value: Any) -> None:
    answer = Api().post("/auth/register", body(**{field: value}))

    assert answer.status == 422
    assert list(answer.fields) == [field]


@pytest.mark.parametrize("field", ["is_staff", "is_superuser", "id", "_id", "$where", "a.b"])
def test_refuses_a_field_that_there_is_not_and_stores_nothing(field: str) -> None:
    sent = body(**{field: True})

    answer = Api().post("/auth/register", sent)

    assert answer.status == 422
    assert list(answer.fields) == [field]
    assert selectors.user_by_username(sent["username"]) is None


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"username=alice",
        b'{"username": NaN}',
        b'{"username": "\xff"}',
        b'{"username": 1e999}',
        b"[" * 20_000 + b"]" * 20_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    ],
)
def test_answers_what_is_no_json_with_400(sent: bytes) -> None:
    answer = Api().call("POST", "/auth/register", sent or b" ")

    assert answer.status == 400
    assert answer.code == "bad_frame"


@pytest.mark.parametrize("sent", [[], "text", 7, None, True])
def test_answers_json_that_is_no_object_with_422(sent: object) -> None:
    answer = Api().call("POST", "/auth/register", json.dumps(sent).encode())

    assert answer.status == 422
    assert answer.code == "validation_failed"


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"]
)
def test_answers_another_kind_of_body_with_400(content_type: str) -> None:
    answer = Api().post("/auth/register", body(), **{"Content-Type": content_type})

    assert answer.status == 400
    assert answer.code == "bad_frame"


def test_answers_a_body_that_is_too_large_with_413() -> None:
    answer = Api().call("POST", "/auth/register", b" " * (256 * 1024 + 1))

    assert answer.status == 413
    assert answer.code == "too_large"


def test_refuses_a_username_taken_in_another_case() -> None:
    sent = body()
    Api().post("/auth/register", sent)

    again = Api().post("/auth/register", body(username=sent["username"].upper()))

    assert again.status == 409
    assert again.code == "conflict"
    assert list(again.fields) == ["username"]


def test_refuses_an_address_taken_in_another_case() -> None:
    sent = body()
    Api().post("/auth/register", sent)

    again = Api().post("/auth/register", body(email=sent["email"].upper()))

    assert again.status == 409
    assert list(again.fields) == ["email"]


def test_lets_one_of_many_at_once_have_a_name() -> None:
    sent = body()

    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda n: Api().post("/auth/register", {**sent, "email": f"{n}-{sent['email']}"}),
                range(4),
            )
        )

    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]


def test_does_not_look_at_a_stale_token_or_session() -> None:
    answer = Api(access="not.a.token").post("/auth/register", body())

    assert answer.status == 201


@override_settings(REGISTRATION=False)
def test_is_refused_where_it_is_closed_and_nobody_learns_who_is_there() -> None:
    alice = people.person("alice")

    answers = [
        Api().post("/auth/register", body(**taken))
        for taken in ({}, {"email": alice.email}, {"username": alice.username})
    ]

    for answer in answers:
        assert (answer.status, answer.code) == (403, "forbidden")
        assert answer.body["error"]["reason"] == "registration_closed"
