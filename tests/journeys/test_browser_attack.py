"""What people write into messages, names, topics and reactions runs nowhere in Chromium."""

import contextlib
from typing import Final

from playwright.async_api import Dialog, expect

from chat.client import Refused, uuid7
from tests.browser import Window, Windows
from tests.cluster import Person

CORPUS: Final = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><iframe srcdoc="<script>parent.alert(1)</script>">',
    "<a href='javascript:alert(1)'>go</a>",
    "[go](javascript:alert(1))",
    "[go](JaVaScRiPt&colon;alert(1))",
    "[go](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "<https://example.org/?\"onmouseover=alert(1)//>",
    "![x](https://example.org/x.png\" onerror=\"alert(1))",
    "<style>@import'//example.org/x.css'</style>",
    "<form action=//example.org><button>go</button></form>",
    "<meta http-equiv=refresh content=0;url=//example.org>",
    "<base href=//example.org/>",
    "<math><mtext></p><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src onerror=alert(1)>'>",
    "</textarea><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "`<img src=x onerror=alert(1)>`",
    "```html\n<script>alert(1)</script>\n```",
    "{{constructor.constructor('alert(1)')()}}",
    "\u202e<img src=x onerror=alert(1)>\u0000".replace("\u0000", ""),
    "x' onfocus='alert(1)' autofocus='",
    'x" onfocus="alert(1)" autofocus="',
)  # fmt: skip
EMOJI: Final = ("<b>é", '"onfocus=alert(1)é', "</script>é", "'><img src=x onerror=a()>é")


async def test_nothing_that_people_write_runs(windows: Windows, alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    path = f"/rooms/{room}"
    sent = [await bob.rest.post(f"{path}/messages", id=uuid7(), text=text) for text in CORPUS]
    for emoji in EMOJI:
        with contextlib.suppress(Refused):  # no emoji, and said so
            await bob.rest.put(f"{path}/messages/{sent[-1]['id']}/reactions/{emoji}")
    await bob.rest.patch("/me", display_name="<img src=x onerror=alert(1)>")
    topic = " ".join(CORPUS)[:400]
    await alice.rest.patch(path, topic=topic, name="<svg/onload=alert(1)> " + room)

    window = await windows.of(alice, room=room)
    ran: list[str] = []

    async def heard(dialog: Dialog) -> None:
        ran.append(dialog.message)
        await dialog.dismiss()

    window.page.on("dialog", heard)
    await expect(window.messages).to_have_count(len(CORPUS))
    assert await planted(window) == 0
    await bob.rest.post(f"{path}/messages", id=uuid7(), text=CORPUS[1], reply_to=sent[1]["id"])
    await expect(window.messages).to_have_count(len(CORPUS) + 1)
    last = window.messages.last
    for deed in ("reply", "report", "delete"):
        await last.hover()
        await window.get("[data-more]").click()
        await window.get(f"[data-message-menu] [data-deed={deed}]").click()
        assert await planted(window) == 0
        await window.page.keyboard.press("Escape")
    await window.get("[data-action=panel]").click()
    await window.get(".person").filter(has_text="onerror").click()
    await expect(window.get("[data-member-menu]")).to_contain_text("<img src=x")
    await window.page.keyboard.press("Escape")
    await window.get("[data-open=settings]").click()
    await window.page.keyboard.press("Escape")
    await window.page.keyboard.press("Control+k")
    await window.page.keyboard.type("svg")
    await window.page.keyboard.press("Escape")
    assert await planted(window) == 0
    await window.page.goto(f"/rooms/{room}/messages/{sent[1]['id']}/")
    await expect(window.get(".about-message")).to_contain_text("<img src=x onerror=alert(1)>")
    assert await planted(window) == 0
    assert ran == []


async def planted(window: Window) -> int:
    """How many elements there are that no page of ours has."""
    found: int = await window.script(
        """() => document.querySelectorAll(
          "iframe, object, embed, base, math, meta[http-equiv], [onerror], [onload], [onfocus], "
          + ".message :is(script, style, img, form:not([data-part])), a[href^='javascript:' i], "
          + "a[href^='data:' i], svg[onload]").length"""
    )
    return found
