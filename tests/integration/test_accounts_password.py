"""Changing a password, and setting one by mail when it was forgotten."""

import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.core.management import call_command
from django.test import override_settings
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import services, throttles
from accounts.models import User
from tests import people
from tests.people import OTHER_PASSWORD, PASSWORD, Api

MAIL_WITHIN_S = 30.0


@pytest.fixture
def letters() -> Iterator[list[mail.EmailMessage]]:
    """What is sent meanwhile."""
    sent: list[mail.EmailMessage] = []
    mail.outbox = sent
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        yield sent


def letter(letters: list[mail.EmailMessage], *, count: int = 1) -> mail.EmailMessage:
    """The newest, once there are as many."""
    deadline = time.monotonic() + MAIL_WITHIN_S
    while len(letters) < count:
        assert time.monotonic() < deadline, "no letter came"
        time.sleep(0.01)
    return letters[-1]


def link_in(message: mail.EmailMessage) -> str:
    found = re.search(r"https?://\S+/password/reset/\S+", str(message.body))
    assert found is not None
    return found[0]


def link_parts(link: str) -> dict[str, str]:
    *_, uid, token, _ = urlsplit(link).path.split("/")
    return {"uid": uid, "token": token}


def change(api: Api, current: str = PASSWORD, new: str = OTHER_PASSWORD) -> people.Answer:
    return api.post("/auth/password", {"current": current, "new": new})


def can_sign_in(user: User, password: str) -> bool:
    answer = Api().post("/auth/login", {"login": user.username, "password": password})
    return answer.status == 200


def test_changes_it_and_ends_all_other_logins() -> None:
    alice = people.person("alice")
    mine, my_refresh = people.signed_in(alice)
    other, other_refresh = people.signed_in(alice)
    page = people.browser(alice)

    with people.ended() as told:
        answer = change(mine)

    assert answer.status == 204
    assert [(t["reason"], len(t["session_ids"])) for t in told] == [("password", 2)]
    assert mine.get("/me").status == 200
    assert Api().post("/auth/refresh", {"refresh": my_refresh}).status == 200
    assert other.get("/me").status == 401
    assert Api().post("/auth/refresh", {"refresh": other_refresh}).status == 401
    assert page.get("/accounts/password/").status_code == 302
    assert can_sign_in(alice, OTHER_PASSWORD)
    assert not can_sign_in(alice, PASSWORD)


def test_leaves_the_browser_signed_in_that_changed_it() -> None:
    alice = people.person("alice")
    page = people.browser(alice)
    api = Api(client=page, **{"X-CSRFToken": people.csrf(page)})

    assert change(api).status == 204

    assert api.get("/me").status == 200
    assert page.get("/accounts/password/").status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", OTHER_PASSWORD, "current"),
        (PASSWORD, "short", "new"),
        (PASSWORD, "1234567890", "new"),
    ],
)
def test_says_what_is_wrong(current: str, new: str, field: str) -> None:
    alice = people.person("alice")
    api, _ = people.signed_in(alice)

    answer = change(api, current, new)

    assert answer.status == 422
    assert list(answer.fields) == [field]
    assert can_sign_in(alice, PASSWORD)


def test_lets_nobody_guess_the_current_one_for_ever() -> None:
    api, _ = people.signed_in(people.person("alice"))
    for _ in range(throttles.PASSWORD_ACCOUNT.limit):
        assert change(api, "wrong").status == 422

    assert change(api).status == 429


def test_ends_all_logins_when_an_operator_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = people.person("alice")
    api, refresh = people.signed_in(alice)
    monkeypatch.setattr("getpass.getpass", lambda prompt="": OTHER_PASSWORD)

    with people.ended() as told:
        call_command("changepassword", alice.username)

    assert [t["reason"] for t in told] == ["password"]
    assert api.get("/me").status == 401
    assert Api().post("/auth/refresh", {"refresh": refresh}).status == 401


def test_sets_a_forgotten_one_by_the_link_in_the_mail_once(
    letters: list[mail.EmailMessage],
) -> None:
    alice = people.person("alice")
    api, _ = people.signed_in(alice)

    asked = Api().post("/auth/password/reset", {"email": alice.email.upper()})
    message = letter(letters)
    parts = link_parts(link_in(message))
    with people.ended() as told:
        confirmed = Api().post("/auth/password/reset/confirm", {**parts, "new": OTHER_PASSWORD})
    again = Api().post("/auth/password/reset/confirm", {**parts, "new": PASSWORD})

    assert asked.status == 204
    assert message.to == [alice.email]
    assert confirmed.status == 204
    assert [t["reason"] for t in told] == ["password"]
    assert api.get("/me").status == 401
    assert again.status == 422
    assert list(again.fields) == ["token"]
    assert can_sign_in(alice, OTHER_PASSWORD)
    assert not can_sign_in(alice, PASSWORD)


def test_does_not_say_whether_somebody_has_an_address(letters: list[mail.EmailMessage]) -> None:
    alice = people.person("alice")
    suspended = people.person("bob")
    services.user_suspend(suspended)

    answers = [
        Api().post("/auth/password/reset", {"email": email})
        for email in ("nobody@example.org", "not an address", suspended.email, alice.email)
    ]

    assert [(a.status, a.text) for a in answers] == [(204, "")] * 4
    letter(letters)  # they are sent in order, so the others had none
    assert [message.to for message in letters] == [[alice.email]]


def test_sends_somebody_only_so_many(letters: list[mail.EmailMessage]) -> None:
    alice, last = people.person("alice"), people.person("bob")

    for _ in range(throttles.RESET_ACCOUNT.limit + 2):
        assert Api().post("/auth/password/reset", {"email": alice.email}).status == 204
    Api().post("/auth/password/reset", {"email": last.email})

    letter(letters, count=throttles.RESET_ACCOUNT.limit + 1)
    assert [message.to for message in letters].count([alice.email]) == throttles.RESET_ACCOUNT.limit


def test_is_throttled_by_network_address() -> None:
    api = Api()
    for n in range(throttles.RESET_ADDRESS.limit):
        assert api.post("/auth/password/reset", {"email": f"nobody-{n}@example.org"}).status == 204

    assert api.post("/auth/password/reset", {"email": "nobody@example.org"}).status == 429


@override_settings(PUBLIC_ORIGINS=["https://chat.example.org"])
def test_leads_to_the_public_origin(letters: list[mail.EmailMessage]) -> None:
    alice = people.person("alice")

    Api().post("/auth/password/reset", {"email": alice.email})

    assert link_in(letter(letters)).startswith("https://chat.example.org/accounts/")


def test_refuses_a_forged_or_foreign_link() -> None:
    alice, charlie = people.person("alice"), people.person("charlie")
    uid = urlsafe_base64_encode(force_bytes(alice.pk))
    foreign = default_token_generator.make_token(charlie)

    for parts in [
        {"uid": uid, "token": foreign},
        {"uid": uid, "token": "x"},
        {"uid": "!!!", "token": foreign},
        {"uid": urlsafe_base64_encode(b"\xff"), "token": foreign},
        {"uid": urlsafe_base64_encode(b"$ne"), "token": foreign},
    ]:
        answer = Api().post("/auth/password/reset/confirm", {**parts, "new": OTHER_PASSWORD})
        assert answer.status == 422
        assert list(answer.fields) == ["token"]
    assert can_sign_in(alice, PASSWORD)


def test_keeps_the_link_good_when_the_new_password_is_too_weak() -> None:
    alice = people.person("alice")
    parts = {
        "uid": urlsafe_base64_encode(force_bytes(alice.pk)),
        "token": default_token_generator.make_token(alice),
    }

    weak = Api().post("/auth/password/reset/confirm", {**parts, "new": "short"})
    strong = Api().post("/auth/password/reset/confirm", {**parts, "new": OTHER_PASSWORD})

    assert list(weak.fields) == ["new"]
    assert strong.status == 204
