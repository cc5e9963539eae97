"""Owns what becomes of typed text: checked, rendered to safe HTML once, shortened for quotes.

Knows nothing of rooms or people: who a name is, the caller resolves. Markdown by markdown-it-py,
links by linkify-it-py, code by Pygments; nh3 has the last word on what HTML may hold.
"""

import html
import re
from collections.abc import Collection, Sequence
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from pygments import highlight as pygments_highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from chat import errors, limits

EXCERPT_MAX_CHARS: Final = 140
CODE_MAX_CHARS: Final = 6_000
"""Longer code is shown without colours: Pygments' cost is per character."""

_TAGS: Final = {
    "a", "blockquote", "br", "code", "em", "li", "ol", "p", "pre", "s", "span", "strong", "ul",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES: Final = {"a": {"href", "title"}, "span": {"class"}, "code": {"class"}, "ol": {"start"}}
_MENTION = re.compile(r"(?<![\w@.])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?)")
_MARKS = re.compile(r"""[*_`~\[\]<>&\\@\n\t|"\x00-\x1f\xa0]""")
_MARKS_AT_THE_BEGINNING = re.compile(r"\s|[-+#=]|\d+[.)]")
_HOST = re.compile(r"[^\s.]\.\w")


def clean(text: str) -> str:
    """The text as it will be stored.

    Raises:
        ValidationFailed: nothing but white space, a NUL, a half of a surrogate pair, or longer
            than `limits.TEXT_MAX_CHARS`.
    """
    if len(text) > limits.TEXT_MAX_CHARS:
        raise _refused(f"At most {limits.TEXT_MAX_CHARS:,} characters.")
    if "\x00" in text:
        raise _refused("A NUL character cannot be stored.")
    if not text.strip():
        raise _refused("There is nothing in this message.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _refused("This is not valid Unicode.") from None
    return text


def mentioned_names(text: str) -> list[str]:
    """The names after an @, lower-cased, each once, in order; at most `limits.MENTIONS_MAX`."""
    if "@" not in text:
        return []
    names = dict.fromkeys(found.lower() for found in _MENTION.findall(text))
    return list(names)[: limits.MENTIONS_MAX]


def render(text: str, *, names: Collection[str] = ()) -> str:
    """Safe HTML of a message. `names`: the lower-cased names whose mention is marked."""
    if _is_plain(text):
        return f"<p>{text}</p>\n"
    rendered = _markdown.render(text, {"names": names})
    return nh3.clean(
        rendered,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def excerpt(text: str) -> str:
    """One line of plain text for a quote or a list."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT_MAX_CHARS else line[: EXCERPT_MAX_CHARS - 1] + "…"


def _is_plain(text: str) -> bool:
    """Whether nothing is in it that Markdown, links or HTML would change. Cheap questions first:
    one search for all of them takes several times as long."""
    return not (
        _MARKS.search(text)
        or _MARKS_AT_THE_BEGINNING.match(text)
        or text[-1:].isspace()
        or "//" in text
        or "mailto:" in text
        or ("." in text and _HOST.search(text))
    )


def _refused(said: str) -> errors.ValidationFailed:
    return errors.ValidationFailed(said, fields={"text": [said]})


def _highlighted(code: str, language: str, _attributes: str) -> str:
    if not language or len(code) > CODE_MAX_CHARS:
        return html.escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return html.escape(code)
    return str(pygments_highlight(code, lexer, HtmlFormatter(nowrap=True)))


def _mark_mentions(state: StateCore) -> None:
    names: Collection[str] = state.env.get("names", ())
    if not names:
        return
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = [new for old in block.children for new in _split(old, names)]


def _split(token: Token, names: Collection[str]) -> Sequence[Token]:
    if token.type != "text" or "@" not in token.content:
        return (token,)
    parts: list[Token] = []
    end = 0
    for found in _MENTION.finditer(token.content):
        if found[1].lower() in names:
            parts.append(_text(token.content[end : found.start()]))
            parts.append(Token("mention", "", 0, content=found[0]))
            end = found.end()
    parts.append(_text(token.content[end:]))
    return parts


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _render_mention(
    _renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    return f'<span class="mention">{html.escape(tokens[index].content)}</span>'


def _make_markdown() -> MarkdownIt:
    made = MarkdownIt(
        "commonmark",
        {"html": False, "linkify": True, "breaks": True, "highlight": _highlighted},
    )
    made.enable(["linkify", "strikethrough", "table"])
    made.disable(["heading", "lheading", "image", "html_block", "html_inline", "hr", "reference"])
    made.core.ruler.push("mentions", _mark_mentions)
    made.add_render_rule("mention", _render_mention)
    return made


_markdown = _make_markdown()
