"""What becomes of typed text."""

import re
import time
from html.parser import HTMLParser
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat import errors, limits, text

ALLOWED_TAGS = {
    "a", "blockquote", "br", "code", "em", "li", "ol", "p", "pre", "s", "span", "strong", "ul",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ALLOWED_ATTRIBUTES = {
    "a": {"href", "title", "rel"},
    "span": {"class"},
    "code": {"class"},
    "ol": {"start"},
}


class Parts(HTMLParser):
    """The elements and the text of some HTML, as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.elements.append(("!--", {}))

    def handle_decl(self, decl: str) -> None:
        self.elements.append(("!", {}))

    def handle_pi(self, data: str) -> None:
        self.elements.append(("?", {}))


def assert_harmless(html: str) -> None:
    for tag, attributes in Parts(html).elements:
        assert tag in ALLOWED_TAGS
        assert set(attributes) <= ALLOWED_ATTRIBUTES.get(tag, set())
        href = attributes.get("href") or ""
        scheme = re.match(r"\s*([^/?#:\s]*):", href)
        assert scheme is None or scheme[1].lower() in ("http", "https", "mailto"), href
        if tag == "a":
            assert set((attributes.get("rel") or "").split()) == {
                "noopener", "noreferrer", "nofollow",
            }  # fmt: skip


# --- clean ---


@pytest.mark.parametrize(
    "typed", ["x", " x ", "\n\nx\n", "é", "👩\u200d🚀", "\u202e", "x" * 10_000]
)
def test_what_can_be_said_is_stored_as_typed(typed: str) -> None:
    assert text.clean(typed) == typed


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "\n\t \r\n", "\u2003\u00a0\u2028", "a\x00b", "\x00", "\ud800", "a\udfffb",
        "x" * 10_001, " " * 10_001,
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_by_its_field(typed: str) -> None:
    with pytest.raises(errors.ValidationFailed) as refusal:
        text.clean(typed)
    assert refusal.value.fields is not None
    assert list(refusal.value.fields) == ["text"]


@given(st.text(alphabet=st.characters(), max_size=50))
def test_what_is_clean_can_be_encoded(typed: str) -> None:
    try:
        cleaned = text.clean(typed)
    except errors.ValidationFailed:
        return
    assert cleaned.encode()
    assert "\x00" not in cleaned


# --- mentions ---


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("hello", []),
        ("@bob", ["bob"]),
        ("@BoB and @bob", ["bob"]),
        ("(@bob), @alice.", ["bob", "alice"]),
        ("@bob-smith.jr_x!", ["bob-smith.jr_x"]),
        ("me@bob.com", []),
        ("x.@bob", []),
        ("@@bob", []),
        ("@", []),
        ("@-bob", []),
        ("@" + "b" * 32, ["b" * 32]),
        ("@zoe@bob", ["zoe"]),
    ],
)
def test_names_after_an_at_sign_are_found(typed: str, names: list[str]) -> None:
    assert text.mentioned_names(typed) == names


def test_at_most_fifty_people_are_mentioned() -> None:
    typed = " ".join(f"@user{number}" for number in range(80))
    assert text.mentioned_names(typed) == [f"user{n}" for n in range(limits.MENTIONS_MAX)]


def test_only_known_names_are_marked_and_never_in_code() -> None:
    html = text.render("@bob @carl `@bob` **@BOB**", names={"bob"})
    assert html.count('<span class="mention">') == 2
    assert '<span class="mention">@BOB</span>' in html
    assert "<code>@bob</code>" in html


# --- Markdown ---


@pytest.mark.parametrize(
    ("typed", "html"),
    [
        ("hi", "<p>hi</p>\n"),
        ("a\nb", "<p>a<br>\nb</p>\n"),
        ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>\n"),
        ("1 < 2 & 3", "<p>1 &lt; 2 &amp; 3</p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>\n'),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>\n"),
        ("# a", "<p># a</p>\n"),
        ("a\n---", "<p>a<br>\n---</p>\n"),
        ("```\na <b>\n```", "<pre><code>a &lt;b&gt;\n</code></pre>\n"),
        (
            "see example.com",
            '<p>see <a href="http://example.com" rel="noopener noreferrer nofollow">example.com</a>'
            "</p>\n",
        ),
    ],
)
def test_markdown_is_rendered(typed: str, html: str) -> None:
    assert text.render(typed) == html


def test_code_of_a_known_language_is_coloured() -> None:
    html = text.render('```python\nprint("<b>")\n```')
    assert '<span class="nb">print</span>' in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize("language", ["nosuch", "", "python" * 50, "../../etc", "<b>"])
def test_code_of_an_unknown_language_is_shown_as_it_is(language: str) -> None:
    html = text.render(f"```{language}\n<b> & c\n```")
    assert "&lt;b&gt; &amp; c" in html
    assert "<span" not in html


def test_long_code_is_shown_without_colours() -> None:
    code = "x = 1\n" * 1_100
    html = text.render(f"```python\n{code}```")
    assert len(code) > text.CODE_MAX_CHARS
    assert "<span" not in html


alphabet = st.sampled_from(
    [*"ab1 *_`~[]()<>&\\@|\"'!#+-=.:/?\n\t\r\x0b\x0c\x85\u00a0\u2028é👍{}$%^;,",
     "www.", "com", "рф", "http", "mailto", "  ", "..", "ftp", "(c)", "…", "1)", "&amp;"]
)  # fmt: skip
typed_texts = st.lists(alphabet, min_size=1, max_size=14).map("".join) | st.text(max_size=40)


@given(typed_texts.filter(lambda typed: bool(typed.strip())))
@example("a\u00a0b")
@example("👍.com")
@example("$.com")
@example("MAILTO:a@b.c")
@example("a mailto:b")
def test_plain_text_is_rendered_as_markdown_would(typed: str) -> None:
    quick = text.render(typed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_is_plain", lambda _: False)
        assert text.render(typed) == quick


def test_ordinary_sentences_take_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = "Hello, world! It's 5 o'clock; who (else) is here? I am..."
    monkeypatch.setattr(text, "_markdown", None)
    assert text.render(sentence) == f"<p>{sentence}</p>\n"


# --- harm ---

CORPUS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//x.y/z.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img onerror=x&gt;'>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<details open ontoggle=alert(1)>",
    "<body onload=alert(1)>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><input type=submit>",
    "<style>*{background:url(//evil.example)}</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<object data=//evil.example>",
    "<!--><script>alert(1)</script-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](java\tscript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;&#x61;vascript&colon;alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example 't\" onmouseover=alert(1) x=\"')",
    "![x](javascript:alert(1))",
    "![x](http://tracker.example/pixel.png)",
    "<javascript:alert(1)>",
    "<http://x.y/\"onmouseover=alert(1)>",
    'http://evil.example/"onmouseover="alert(1)',
    "http://evil.example/<script>alert(1)</script>",
    "[x]: javascript:alert(1)\n\n[x]",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "```python onload=alert(1)\nx\n```",
    "    <script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "| <script> | x |\n|---|---|\n| <img src=x onerror=alert(1)> | y |",
    '@bob"><script>alert(1)</script>',
    "<span class=mention onclick=alert(1)>@bob</span>",
    "\u2028<script>alert(1)</script>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<x" + "<" * 500 + "script>",
]  # fmt: skip


@pytest.mark.parametrize("typed", CORPUS)
def test_an_attack_is_shown_and_not_run(typed: str) -> None:
    assert_harmless(text.render(typed, names={"bob"}))


def test_the_check_for_harm_finds_some() -> None:
    for harm in ("<script>", '<a href="javascript:x">', "<p onclick=x>", "<!-- x -->", "<a>"):
        with pytest.raises(AssertionError):
            assert_harmless(harm)


@given(st.lists(st.sampled_from(CORPUS) | typed_texts, min_size=1, max_size=4).map(" ".join))
def test_no_mixture_of_attacks_is_run(typed: str) -> None:
    assert_harmless(text.render(typed, names={"bob"}))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40))
def test_text_without_markup_is_shown_whole(typed: str) -> None:
    plain = "".join(c for c in typed if c.isalnum()) or "x"
    assert Parts(text.render(plain)).text.strip() == plain


# --- excerpts ---


def test_an_excerpt_is_one_line() -> None:
    assert text.excerpt(" a\n\nb\tc ") == "a b c"


def test_a_long_excerpt_is_cut_and_says_so() -> None:
    cut = text.excerpt("x" * 200)
    assert cut == "x" * (text.EXCERPT_MAX_CHARS - 1) + "…"
    assert text.excerpt("x" * text.EXCERPT_MAX_CHARS) == "x" * text.EXCERPT_MAX_CHARS


MANY: Final = 10_000
DEAR: Final = {
    **{f"code in {language}": f"~~~~ {language}\n{mark * 5_900}\n~~~~" for language, mark in (
        ("java", "\n"), ("c", "\n"), ("arduino", "\n"), ("ng2", "["), ("arturo", "_"),
    )},
    "a wide table of short rows": "a|" * 1_200 + "\n" + "-|" * 1_200 + "\n" + "a\n" * 2_500,
    "a long table": "|a|b|\n|-|-|\n" + "|\n" * 4_000,
    **{f"nothing but {mark!r}": mark * (MANY // len(mark)) for mark in (
        "[", "![", "[a](", "*_", "**", "`", "&", "<", "a.com ", "a@a.", "http://(", "http://a.",
    )},
    "what looks like a fence to others": "``` a`b\n" + "[" * 9_900,
    "a fence that a list ends": "- a\n  ```\n  x\n```\nq\n```\n" + "[" * 9_900,
}  # fmt: skip
ORDINARY: Final = (
    "Some *ordinary* text with `code`, a [link](https://example.org/a) and **bold**.\n"
    "- an item\n- another one, see docs.example.org\n\n"
)


@pytest.mark.parametrize("typed", DEAR.values(), ids=DEAR)
def test_no_text_takes_twice_what_an_ordinary_one_of_its_length_takes(typed: str) -> None:
    """A replica renders on its loop: everybody waits for it."""
    ordinary = ORDINARY * (MANY // len(ORDINARY))
    usual = min(processor_time(ordinary) for _ in range(3))

    assert min(processor_time(typed[:MANY]) for _ in range(3)) < 2 * usual


def processor_time(typed: str) -> float:
    began = time.thread_time()
    text.render(typed)
    return time.thread_time() - began


def test_what_would_take_long_is_shown_as_typed() -> None:
    assert text.render("<b>[\n" + "[" * 2_000) == f"<p>&lt;b&gt;[<br>{'[' * 2_000}</p>\n"


def test_code_that_takes_long_is_shown_without_colours() -> None:
    rendered = text.render("~~~~ java\n" + "\n" * 5_900 + "~~~~")
    assert rendered == '<pre><code class="language-java">' + "\n" * 5_900 + "</code></pre>\n"
