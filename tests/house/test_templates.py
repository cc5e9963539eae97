"""Nothing inline in templates: the Content-Security-Policy is strict."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.house import tree

INLINE: Final = {
    "a script": re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE),
    "a style": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "an event handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a script address": re.compile(r"javascript:", re.IGNORECASE),
    "something from elsewhere": re.compile(r"\b(?:src|href)\s*=\s*[\"']?(?:https?:)?//"),
}

SAFE: Final = {"templates/_message_body.html": 1}
"""Where a text is put in as HTML: the message body, which the server rendered and nh3 cleaned."""


def templates() -> list[Path]:
    return list(tree.files(".html", under="templates"))


def inline(template: str) -> list[str]:
    text = re.sub(r"\{#.*?#\}", "", template)
    return [what for what, pattern in INLINE.items() if pattern.search(text)]


def test_templates_hold_nothing_inline() -> None:
    found = {tree.name_of(path): inline(tree.text_of(path)) for path in templates()}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "template",
    [
        "<script>alert(1)</script>",
        "<style>p {}</style>",
        '<p class="a" style="color: red">',
        '<button type="button" onclick="go()">',
        '<a href="javascript:go()">',
        '<script src="//cdn.example.org/x.js"></script>',
    ],
)
def test_the_rule_catches(template: str) -> None:
    assert inline(template)


def test_only_a_message_body_is_put_in_as_html() -> None:
    found = {
        tree.name_of(path): len(re.findall(r"\|\s*safe\b|autoescape off", tree.text_of(path)))
        for path in templates()
    }
    assert {name: count for name, count in found.items() if count} == SAFE
