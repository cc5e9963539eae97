"""The account pages, as browsers without scripts use them."""

import html
import re
from typing import Any

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import override_settings
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import selectors, services, throttles
from tests import people
from tests.people import OTHER_PASSWORD, PASSWORD, Api, browser, fill

SIGNED_IN_ONLY = "/accounts/password/"


def said(response: Any) -> list[str]:
    """What the page says is wrong: `field: message` beside a field, `message` above the form."""
    page = html.unescape(response.content.decode())
    beside = re.findall(r'class="field__error" id="id_(\w+)_error">([^<]*)<', page)
    above = re.findall(r'class="form__errors"[^>]*>([^<]*)<', page)
    return [f"{field}: {message.strip()}" for field, message in beside] + [
        message.strip() for message in above
    ]


def is_signed_in(client: Any) -> bool:
    return bool(client.get(SIGNED_IN_ONLY).status_code == 200)


@pytest.mark.parametrize(
    "path",
    [
        "login/",
        "register/",
        "password/reset/",
        "password/reset/sent/",
        "password/reset/new/",
        "password/reset/done/",
        "password/changed/",
    ],
)
def test_are_whole_pages_with_nothing_inline(path: str) -> None:
    response = browser().get(f"/accounts/{path}")
    page = response.content.decode()

    assert response.status_code == 200
    assert page.count("<h1>") == 1
    assert '<main id="main"' in page
    assert "<script>" not in page
    assert " style=" not in page
    assert "unsafe" not in response["Content-Security-Policy"]


def test_tie_every_field_to_its_label_help_and_error() -> None:
    page = fill(
        browser(),
        "/accounts/register/",
        username="a b",
        email="a@example.org",
        password=PASSWORD,
    ).content.decode()

    for field in ("username", "email", "display_name", "password"):
        assert f'for="id_{field}"' in page
        assert f'id="id_{field}"' in page
    assert 'aria-describedby="id_username_helptext id_username_error"' in page
    assert 'id="id_username_error"' in page
    assert 'aria-invalid="true"' in page
    assert 'autocomplete="new-password"' in page


def test_register_and_sign_in_at_once() -> None:
    client, name = browser(), people.unique("alice")

    response = fill(
        client,
        "/accounts/register/",
        username=name,
        email=f"{name}@example.org",
        display_name="Alice",
        password=PASSWORD,
    )

    assert response.status_code == 302
    assert response["Location"] == "/"
    assert is_signed_in(client)
    user = selectors.user_by_username(name)
    assert user is not None
    assert user.display_name == "Alice"


@override_settings(REGISTRATION=False)
def test_offer_no_account_where_nobody_may_make_one() -> None:
    name = people.unique("bob")
    fields = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    client = browser()

    shown = client.get("/accounts/register/").content.decode()
    signing_in = client.get("/accounts/login/").content.decode()
    refused = fill(client, "/accounts/register/", **fields)

    assert "<form" not in shown
    assert "/accounts/register/" not in signing_in
    assert refused.status_code == 403
    assert selectors.user_by_username(name) is None


def test_say_beside_the_field_what_is_wrong() -> None:
    alice = people.person("alice")

    taken = fill(
        browser(),
        "/accounts/register/",
        username=alice.username.upper(),
        email="other@example.org",
        password=PASSWORD,
    )
    weak = fill(
        browser(),
        "/accounts/register/",
        username=people.unique("bob"),
        email="bob@example.org",
        password="password",
    )

    assert taken.status_code == 409
    assert said(taken) == ["username: This username is taken."]
    assert weak.status_code == 422
    assert said(weak) == ["password: This password is too common."]
    assert PASSWORD not in taken.content.decode()


def test_show_typed_markup_as_text() -> None:
    page = fill(browser(), "/accounts/register/", username="<script>alert(1)</script>")

    assert "<script>alert" not in page.content.decode()


def test_sign_in_by_name_or_address() -> None:
    alice = people.person("alice")

    for login in (alice.username.upper(), alice.email):
        client = browser()
        response = fill(client, "/accounts/login/", login=login, password=PASSWORD)
        assert response.status_code == 302
        assert is_signed_in(client)


def test_refuse_a_wrong_password_and_an_unknown_name_alike() -> None:
    alice = people.person("alice")

    def refusal(login: str) -> tuple[int, list[str]]:
        response = fill(browser(), "/accounts/login/", login=login, password="wrong")
        return response.status_code, said(response)

    assert refusal(alice.username) == refusal(people.unique("nobody"))
    assert refusal(alice.username) == (401, ["The name or the password is wrong."])


def test_tell_a_browser_nothing_that_makes_it_ask_for_a_password_itself() -> None:
    response = fill(browser(), "/accounts/login/", login="nobody", password="wrong")

    assert "WWW-Authenticate" not in response.headers


def test_refuse_too_many_guesses() -> None:
    alice = people.person("alice")
    client = browser()
    for _ in range(throttles.LOGIN_ACCOUNT.limit):
        fill(client, "/accounts/login/", login=alice.username, password="wrong")

    response = fill(client, "/accounts/login/", login=alice.username, password=PASSWORD)

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert "Too many" in response.content.decode()


def test_refuse_a_form_that_another_site_sent() -> None:
    alice = people.person("alice")
    client = browser()

    response = client.post("/accounts/login/", {"login": alice.username, "password": PASSWORD})

    assert response.status_code == 403
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/rooms/1/?n=5", "/rooms/1/?n=5"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_lead_on_to_pages_of_ours_only(wanted: str, reached: str) -> None:
    alice = people.person("alice")
    client = browser()

    response = fill(
        client, "/accounts/login/", login=alice.username, password=PASSWORD, next=wanted
    )
    later = client.get("/accounts/login/", {"next": wanted})

    assert response["Location"] == later["Location"] == reached


def test_carry_along_where_one_wanted_to_go() -> None:
    page = browser().get("/accounts/login/", {"next": "/rooms/1/"}).content.decode()

    assert '<input type="hidden" name="next" value="/rooms/1/">' in page
    assert "/accounts/register/?next=/rooms/1/" in page


def test_ask_before_signing_out_and_then_do() -> None:
    alice = people.person("alice")
    client = browser(alice)

    asked = client.get("/accounts/logout/")
    still = is_signed_in(client)
    with people.ended() as told:
        done = fill(client, "/accounts/logout/")

    assert asked.status_code == 200
    assert alice.username in asked.content.decode()
    assert still
    assert done["Location"] == "/accounts/login/"
    assert [(t["user_id"], t["reason"]) for t in told] == [(str(alice.pk), "logout")]
    assert not is_signed_in(client)


def test_end_the_login_that_a_browser_had_when_it_signs_in_anew() -> None:
    alice, bob = people.person("alice"), people.person("bob")
    client = browser(alice)
    client.cookies["parley_other"] = "kept"

    services.sessions_end_all(user_id=str(alice.pk), reason="revoked")
    fill(client, "/accounts/login/", login=bob.username, password=PASSWORD)

    assert is_signed_in(client)
    assert len(selectors.sessions_live(user_id=str(bob.pk))) == 1
    assert selectors.sessions_live(user_id=str(alice.pk)) == []


def test_know_nobody_whose_login_was_ended_elsewhere() -> None:
    alice = people.person("alice")
    client = browser(alice)

    services.sessions_end_all(user_id=str(alice.pk), reason="revoked")

    assert not is_signed_in(client)
    assert client.cookies["parley_session"].value == ""


def test_know_nobody_who_is_suspended() -> None:
    alice = people.person("alice")
    client = browser(alice)

    services.user_suspend(alice)

    assert not is_signed_in(client)
    assert (
        fill(client, "/accounts/login/", login=alice.username, password=PASSWORD).status_code == 403
    )


def test_change_the_password_and_stay_signed_in_here() -> None:
    alice = people.person("alice")
    here, there = browser(alice), browser(alice)

    response = fill(here, "/accounts/password/", current=PASSWORD, new=OTHER_PASSWORD)

    assert response["Location"] == "/accounts/password/changed/"
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert browser(alice, OTHER_PASSWORD)


def test_say_that_the_current_password_is_another() -> None:
    client = browser(people.person("alice"))

    response = fill(client, "/accounts/password/", current="wrong", new=OTHER_PASSWORD)

    assert response.status_code == 422
    assert said(response) == ["current: This is not your password."]


def test_send_strangers_to_sign_in_first() -> None:
    response = browser().get("/accounts/password/")

    assert response["Location"] == "/accounts/login/?next=/accounts/password/"


def test_set_a_new_password_by_link_without_keeping_the_token_in_the_address() -> None:
    alice = people.person("alice")
    old = browser(alice)
    uid = urlsafe_base64_encode(force_bytes(alice.pk))
    token = default_token_generator.make_token(alice)
    client = browser()

    opened = client.get(f"/accounts/password/reset/{uid}/{token}/")
    form = client.get(opened["Location"])
    done = fill(client, "/accounts/password/reset/new/", new=OTHER_PASSWORD)

    assert opened["Location"] == "/accounts/password/reset/new/"
    assert token not in form.content.decode()
    assert done["Location"] == "/accounts/password/reset/done/"
    assert not is_signed_in(old)
    assert browser(alice, OTHER_PASSWORD)


def test_keep_nothing_of_a_link_that_is_no_good() -> None:
    alice = people.person("alice")
    uid = urlsafe_base64_encode(force_bytes(alice.pk))
    good = f"/accounts/password/reset/{uid}/{default_token_generator.make_token(alice)}/"
    stranger, client = browser(), browser()

    refused = stranger.get(f"/accounts/password/reset/{uid}/{'x' * 4_000}/")
    client.get(good)
    client.get(f"/accounts/password/reset/{uid}/x/")
    shown = client.get("/accounts/password/reset/new/").content.decode()

    assert refused["Location"] == "/accounts/password/reset/new/"
    assert "parley_session" not in stranger.cookies
    assert "<form" not in shown


def test_say_that_a_link_does_not_work() -> None:
    client = browser()
    opened = client.get("/accounts/password/reset/x/y/", follow=True)

    assert "does not work" in opened.content.decode()
    client.get("/accounts/login/")
    refused = fill(client, "/accounts/password/reset/new/", new=OTHER_PASSWORD)
    assert refused.status_code == 422
    assert "does not work" in refused.content.decode()


def test_say_the_same_whoever_asks_for_a_link() -> None:
    answers = [
        fill(browser(), "/accounts/password/reset/", email=email)
        for email in ("nobody@example.org", people.person("alice").email)
    ]

    assert {answer["Location"] for answer in answers} == {"/accounts/password/reset/sent/"}


def test_let_scripts_of_ours_use_the_api_with_the_cookie() -> None:
    alice = people.person("alice")
    client = browser(alice)

    seen = Api(client=client).get("/me")
    forged = Api(client=client).patch("/me", {"status_text": "x"})
    ours = Api(client=client, **{"X-CSRFToken": people.csrf(client)}).patch(
        "/me", {"status_text": "here"}
    )

    assert seen.body["id"] == str(alice.pk)
    assert forged.status == 403
    assert forged.code == "forbidden"
    assert ours.status == 200


def test_prefer_a_token_to_the_cookie_and_do_not_fall_back_on_it() -> None:
    alice = people.person("alice")

    answer = Api(access="not.a.token", client=browser(alice)).get("/me")

    assert answer.status == 401


def test_say_in_json_that_a_host_is_not_ours() -> None:
    answer = Api().get("/me", Host="evil.example")

    assert answer.status == 400
    assert answer.code == "bad_frame"
    assert "evil" not in answer.text


def test_set_cookies_that_no_script_and_no_other_site_can_use() -> None:
    cookie = browser(people.person("alice")).cookies["parley_session"]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"


@override_settings(SESSION_COOKIE_SECURE=True, CSRF_COOKIE_SECURE=True)
def test_set_cookies_for_secure_pages_only_when_told_so() -> None:
    client = browser(people.person("alice"))

    assert client.cookies["parley_session"]["secure"]
    assert client.cookies["parley_csrf"]["secure"]
