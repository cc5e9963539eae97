"""Word rules: which can be kept, and what they make of a text."""

import time

import pytest

from chat import errors, rules
from chat.rules import Rule


def judged(text: str, *of_room: tuple[str, str]) -> rules.Verdict:
    return rules.judge(tuple(Rule(pattern, does) for does, pattern in of_room), text)


def test_masks_what_it_finds_without_case() -> None:
    verdict = judged("oh DARN it,\ndarned darn", ("mask", r"\bdarn\b"))
    assert (verdict.text, verdict.by) == ("oh •••• it,\ndarned ••••", None)


def test_masks_leave_white_space() -> None:
    assert judged("a b\nc d", ("mask", r"b\s+c")).text == "a •\n• d"


def test_refusing_goes_before_holding() -> None:
    verdict = judged("spam", ("hold", "spam"), ("refuse", "s.am"))
    assert verdict.by is not None
    assert verdict.by.does == "refuse"


def test_what_is_held_is_masked_already() -> None:
    verdict = judged("darn spam", ("hold", "spam"), ("mask", "darn"))
    assert verdict.text == "•••• spam"


def test_a_text_full_of_what_is_masked_is_masked_whole() -> None:
    text = "a" * (rules.MASKED_MAX + 10) + "b"
    assert judged(text, ("mask", "a")).text == "•" * len(text)


@pytest.mark.parametrize(
    "pattern",
    ["(", r"(a)\1", "(?=x)", "a*", "", "x|", "x" * 201, "a\x00b", "(.?){900}q", r"\pL{1,50}x"],
)
def test_refuses_what_cannot_be_kept(pattern: str) -> None:
    with pytest.raises(errors.ValidationFailed) as refused:
        rules.checked([{"pattern": pattern, "does": "mask"}])
    assert refused.value.fields is not None
    assert refused.value.fields["rules"]


def test_refuses_too_many_and_too_much() -> None:
    many = [{"pattern": "x", "does": "mask"}] * (rules.RULES_MAX + 1)
    large = [{"pattern": "[ab]{190}c", "does": "hold"}] * 30
    for given in (many, large, [{"pattern": "x", "does": "shout"}]):
        with pytest.raises(errors.ValidationFailed):
            rules.checked(given)


def test_an_expression_that_hangs_others_is_quick() -> None:
    evil = [{"pattern": p, "does": "refuse"} for p in ("(x+x+)+y", "(a|aa)+$", "(.*a){12}b")]
    rules.checked(evil)
    began = time.process_time()
    judged("x" * 5_000 + "a" * 5_000 + "!", *((rule["does"], rule["pattern"]) for rule in evil))
    assert time.process_time() - began < 0.5  # with backtracking: longer than the universe


def test_what_a_file_from_elsewhere_brought_has_no_effect() -> None:
    assert judged("fine (", ("refuse", "("), ("mask", "fine")).text == "•••• ("
