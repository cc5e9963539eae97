"""Owns what becomes of typed text: checked, rendered to safe HTML once, shortened for quotes.

Knows nothing of rooms or people: who a name is, the caller resolves. Markdown by markdown-it-py,
links by linkify-it-py, code by Pygments; nh3 has the last word on what HTML may hold.
"""

import html
import io
import math
import re
import time
from collections.abc import Collection, Iterable, Iterator, MutableMapping, Sequence
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from chat import errors, limits

EXCERPT_MAX_CHARS: Final = 140
CODE_MAX_CHARS: Final = 6_000
"""Longer code is shown without colours: Pygments' cost is per character, at best."""
COLOURS_S: Final = 0.02
"""Processor time for the colours of one message: many lexers look far ahead at each token, so that
5,900 newlines of Java take 3 s. What is not coloured by then is shown as it is."""
MARKS_MAX: Final = 1_500
"""Characters that Markdown may have to pair with others, in one message; with more it is shown as
typed. Its cost grows with their square: 10,000 `[` take 0.2 s."""
LINKS_MAX: Final = 100
"""What may be a link, as for marks: 1,250 `http://(` take 0.6 s."""
CELLS_MAX: Final = 1_000
"""Cells of tables, as wide as the widest line for each line: what is left out is filled in."""

_TAGS: Final = {
    "a", "blockquote", "br", "code", "em", "li", "ol", "p", "pre", "s", "span", "strong", "ul",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES: Final = {"a": {"href", "title"}, "span": {"class"}, "code": {"class"}, "ol": {"start"}}
_MENTION = re.compile(r"(?<![\w@.])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?)")
_MARKS = re.compile(r"""[*_`~\[\]<>&\\@\n\t|"\x00-\x1f\xa0]""")
_MARKS_AT_THE_BEGINNING = re.compile(r"\s|[-+#=]|\d+[.)]")
_HOST = re.compile(r"[^\s.]\.\w")
_PAIRED: Final = "[]*_`<&!~\\"


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
    markdown = _markdown if _cells_at_most(text) <= CELLS_MAX else _markdown_without_tables
    try:
        rendered = markdown.render(text, {"names": names})
    except _TooDearError:
        return _as_typed(text)
    return safe(rendered)


def safe(rendered: str) -> str:
    """HTML without whatever messages do not have. What `render` made stays as it is."""
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


class _TooDearError(Exception):
    """What is written would take too long to render."""


def _refuse_dear(state: StateCore) -> None:
    """After the blocks are found, and before what is in them: code is no part of this."""
    text = [block.content for block in state.tokens if block.type == "inline"]
    if (
        sum(each.count(mark) for each in text for mark in _PAIRED) > MARKS_MAX
        or sum(each.count("//") + each.count("@") for each in text) > LINKS_MAX
        or sum(1 for each in text for _ in _HOST.finditer(each)) > 3 * LINKS_MAX
    ):
        raise _TooDearError


def _cells_at_most(text: str) -> int:
    lines = text.split("\n")
    return len(lines) * (max(line.count("|") for line in lines) + 1) if "|" in text else 0


def _as_typed(text: str) -> str:
    return f"<p>{'<br>'.join(html.escape(line) for line in text.splitlines())}</p>\n"


def _refused(said: str) -> errors.ValidationFailed:
    return errors.ValidationFailed(said, fields={"text": [said]})


def _highlighted(code: str, language: str, env: MutableMapping[str, Any]) -> str:
    """Code with colours; without where the language is unknown, or the message's time is over. That
    begins with its first language, once it is loaded."""
    plain = html.escape(code)
    if (
        not language
        or len(code) > CODE_MAX_CHARS
        or time.thread_time() > env.get("until", math.inf)
    ):
        return plain
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return plain
    until = env.setdefault("until", time.thread_time() + COLOURS_S)
    written = io.StringIO()
    try:
        _formatter.format(_in_time(lexer.get_tokens(code), until), written)
    except TimeoutError:
        return plain
    return written.getvalue()


def _in_time(tokens: Iterable[Any], until: float) -> Iterator[Any]:
    """Processor time of this thread, not of the clock: a busy machine takes no colours away."""
    for token in tokens:
        if time.thread_time() > until:
            raise TimeoutError
        yield token


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


def _render_fence(
    _renderer: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any
) -> str:
    language = (unescapeAll(tokens[index].info).split() or [""])[0]
    code = _highlighted(tokens[index].content, language, env)
    named = f' class="language-{html.escape(language)}"' if language else ""
    return f"<pre><code{named}>{code}</code></pre>\n"


def _make_markdown(*, tables: bool) -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True})
    made.enable(["linkify", "strikethrough", *(["table"] if tables else [])])
    made.disable(["heading", "lheading", "image", "html_block", "html_inline", "hr", "reference"])
    made.core.ruler.after("block", "dear", _refuse_dear)
    made.core.ruler.push("mentions", _mark_mentions)
    made.add_render_rule("mention", _render_mention)
    made.add_render_rule("fence", _render_fence)
    return made


_formatter = HtmlFormatter(nowrap=True)
_markdown = _make_markdown(tables=True)
_markdown_without_tables = _make_markdown(tables=False)
