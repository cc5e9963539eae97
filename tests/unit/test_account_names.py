"""What people may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import names


@pytest.mark.parametrize(
    "username", ["al", "A.lice_1-2", "x" * 32, "--", "0123456789abcdef01234567"]
)
def test_takes_a_username_of_the_allowed_characters(username: str) -> None:
    assert names.username_problem(username) == ""


@pytest.mark.parametrize(
    "username",
    [
        "",
        "a",
        "x" * 33,
        "a b",
        "a\n",
        "al\n",
        "älice",
        "a@b",
        "a/b",
        "a\x00b",
        "$ne",
        "٣٤",
        "\u0430lice",
    ],
)
def test_refuses_any_other_username(username: str) -> None:
    assert names.username_problem(username)


def test_compares_usernames_without_case() -> None:
    assert names.username_key("Alice") == names.username_key("aLICE")


@pytest.mark.parametrize(
    "email", ["", "alice", "alice@", "@example.org", "a b@example.org", "a" * 250 + "@b.org"]
)
def test_refuses_what_is_no_address(email: str) -> None:
    assert names.email_problem(names.email_clean(email))


def test_keeps_addresses_in_lower_case() -> None:
    assert names.email_clean(" Alice@Example.ORG ") == "alice@example.org"


def test_makes_one_line_of_a_name() -> None:
    assert names.text_clean("  Ada \n\t Lovelace ") == "Ada Lovelace"


@pytest.mark.parametrize(
    "text", ["", "Ada Lovelace", "李小龍", "🦊", "नि\u200dक", "O\u2019Neill", "👩\u200d🚀"]
)
def test_takes_a_name_in_any_script(text: str) -> None:
    assert names.text_problem(names.text_clean(text), most=64) == ""


@pytest.mark.parametrize(
    "text",
    [
        "a\u202egnp.exe",  # turns round what follows
        "a\u2066b",
        "a\u200bb",  # is not seen
        "\u200d",
        "alice\u3164",  # a letter, of which nothing is seen
        "\uffa0",
        "\u115f\u1160",
        "\u2800",
        "\ufeffa",
        "a\x00b",
        "a\x1bb",
        "\ue000",
        "x" * 65,
    ],
)
def test_refuses_a_name_that_cannot_be_shown_honestly(text: str) -> None:
    assert names.text_problem(names.text_clean(text), most=64)


def test_finds_names_without_case_and_in_compatible_forms() -> None:
    assert names.search_key("\uff21\uff24\uff21") == names.search_key("ada")
    assert names.search_key("Straße") == names.search_key("STRASSE")


@given(st.text(max_size=names.DISPLAY_NAME_MAX))
def test_bounds_the_key_of_any_name(text: str) -> None:
    key = names.display_key(display_name=text, username="x" * names.USERNAME_MAX)

    assert len(key) <= names.DISPLAY_KEY_MAX


@given(st.text(max_size=20), st.text(max_size=20))
def test_puts_every_name_within_the_range_of_its_beginnings(start: str, rest: str) -> None:
    key = names.search_key(start)

    assert key <= key + rest.replace(names.LAST_CHARACTER, "") < key + names.LAST_CHARACTER
