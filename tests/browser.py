"""Owns a real browser for tests: one Chromium for the run, one window for each person.

Must not know any test. Whatever a page complains of is kept: an error in the console or a breach of
the Content-Security-Policy fails the test, whatever the test itself looked at.
"""

import asyncio
import json
import os
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    WebSocketRoute,
    async_playwright,
    expect,
)

from tests.cluster import PASSWORD, Person

ARGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Pages of the browser's own, made with each window: six times the work of the window itself.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
)
WITHIN_MS: Final = 40_000
"""How long a page may take for anything that a test waits for: it comes back to its server within
20 s, and the machine may be busy."""
UNREACHABLE: Final = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_CONNECTION_CLOSED",
    "ERR_EMPTY_RESPONSE",
    "Error during WebSocket",
    "Connection closed before receiving a handshake response",
    "WebSocket is closed before the connection is established",
)
"""What Chromium itself writes when a server is gone, or goes while it is asked."""
REPORT_BREACHES: Final = """
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error("policy breach", event.violatedDirective, event.blockedURI));
"""
TOP: Final = """() => document.querySelector("[data-scroller]").scrollTop"""
STILL: Final = """async ({ from, by }) => {
  const box = document.querySelector("[data-scroller]");
  const isAtEnd = () => by < 0 ? box.scrollTop <= 0
    : box.scrollTop >= box.scrollHeight - box.clientHeight - 1;
  for (let still = 0, last = -1; still < 10; ) {
    await new Promise(requestAnimationFrame);
    const hasBegun = box.scrollTop !== from || isAtEnd();
    still = hasBegun && box.scrollTop === last ? still + 1 : 0;
    last = box.scrollTop;
  }
}"""
"""Scrolling begins some time after the wheel has turned, and glides: this ends when it has come to
rest."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Chromium, headless; without one the test is skipped, except where CI=true."""
    expect.set_options(timeout=WITHIN_MS)
    path = shutil.which("chromium")
    if path is None:
        said = "Chromium is not installed, so nothing is tested in a browser (apt install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGS))
        yield browser
        await browser.close()


class Window:
    """One person's window: their own cookies and storage, and what the page complained of."""

    def __init__(self, page: Page, *, forgiven: tuple[str, ...]) -> None:
        self.page = page
        self._forgiven = forgiven
        self._complaints: list[str] = []
        self.bytes_loaded = 0
        """What came over the network, headers included, since `weigh`."""
        page.set_default_timeout(WITHIN_MS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._complaints.append(f"uncaught: {error}"))

    # --- where things are ---

    def get(self, selector: str) -> Locator:
        return self.page.locator(selector)

    @property
    def composer(self) -> Locator:
        return self.get("#composer-text")

    @property
    def messages(self) -> Locator:
        return self.get("[data-log] .message")

    @property
    def scroller(self) -> Locator:
        return self.get("[data-scroller]")

    @property
    def banner(self) -> Locator:
        return self.get("[data-banner]")

    def message(self, text: str) -> Locator:
        """The messages that hold this text."""
        return self.messages.filter(has_text=text)

    def room(self, name: str) -> Locator:
        """A room in the list."""
        return self.get("[data-room]").filter(has_text=name)

    # --- what a person does ---

    async def sign_in(self, username: str, password: str) -> None:
        await self.fill_in_login(username, password)
        await self.live()

    async def fill_in_login(self, username: str, password: str) -> None:
        await self.page.goto("/accounts/login/")
        await self.page.fill("[name=login]", username)
        await self.page.fill("[name=password]", password)
        await self.page.click("main [type=submit]")
        # Whoever goes to another page now would break off what is under way.
        await expect(self.page).not_to_have_url(re.compile("/accounts/login/"))

    async def register(self, username: str, password: str) -> None:
        await self.page.goto("/accounts/register/")
        await self.page.fill("[name=username]", username)
        await self.page.fill("[name=email]", f"{username}@example.org")
        await self.page.fill("[name=password]", password)
        await self.page.click("main [type=submit]")
        await self.live()

    async def live(self) -> None:
        """Wait until the socket has caught up."""
        await expect(self.get("[data-shell]")).to_have_attribute("data-connection", "live")

    async def open(self, room: str) -> None:
        """Load the page of a room, by its id."""
        await self.page.goto(f"/rooms/{room}/")
        await self.live()

    async def is_in(self, name: str) -> None:
        """Wait until the room of this name is the open one."""
        await expect(self.get(".room-head h1")).to_contain_text(name)

    async def say(self, text: str) -> None:
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def sees(self, text: str, *, times: int = 1) -> None:
        """Wait until there are exactly so many messages with this text."""
        await expect(self.message(text)).to_have_count(times)

    async def scroll(self, *, by: int) -> None:
        await self.scroller.hover()
        top = await self.script(TOP)
        await self.page.mouse.wheel(0, by)
        await self.script(STILL, {"from": top, "by": by})

    async def script(self, code: str, argument: Any = None) -> Any:
        return await self.page.evaluate(code, argument)

    async def until(self, holds: str, argument: Any = None) -> None:
        """Wait until this function of the page says yes: what follows a change of sizes is done
        with the next frame."""
        deadline = time.monotonic() + WITHIN_MS / 1_000
        while not await self.script(holds, argument):
            assert time.monotonic() < deadline, holds
            await asyncio.sleep(0.02)

    async def weigh(self) -> None:
        """From here on, count what is loaded."""

        def loaded(event: dict[str, Any]) -> None:
            self.bytes_loaded += event["encodedDataLength"]

        session = await self.page.context.new_cdp_session(self.page)
        session.on("Network.loadingFinished", loaded)
        await session.send("Network.enable")

    # --- what must not be ---

    def forgive(self, *words: str) -> None:
        """Complaints with these words were to be expected."""
        self._forgiven += words

    def complaints(self) -> list[str]:
        return [
            line for line in self._complaints if not any(words in line for words in self._forgiven)
        ]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"{message.type}: {message.text}")


class Line:
    """The wire between one page and its server, held by the test."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._route: WebSocketRoute | None = None
        self.sent: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        """The `message.send` frames that the page said and that did not go through."""
        self.is_cut = False
        self.opened = 0

    async def hold(self) -> None:
        await self._window.page.route_web_socket(re.compile("/ws/v1/"), self._opened)

    def refuse(self, frame: dict[str, object], **error: object) -> None:
        """Answer in the server's place."""
        told = {"message": "not so", "request_id": "0", **error}
        self._told({"reply_to": frame["id"], "ok": False, "error": told})

    async def close(self, code: int) -> None:
        assert self._route
        await self._route.close(code=code)

    def _opened(self, route: WebSocketRoute) -> None:
        self._route = route
        self.opened += 1
        server = route.connect_to_server()

        def said(text: str | bytes) -> None:
            frame = json.loads(text)
            if self.is_cut and frame["type"] == "message.send":
                self.sent.put_nowait(frame)
            else:
                server.send(text)

        route.on_message(said)

    def _told(self, frame: dict[str, object]) -> None:
        assert self._route
        self._route.send(json.dumps(frame))


class Windows:
    """Opens windows, and holds all of them to account at the end."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._opened: list[Window] = []

    async def open(self, url: str, *, forgiven: tuple[str, ...] = (), **options: Any) -> Window:
        """A window on a server; `options` are those of a Playwright context."""
        context = await self._browser.new_context(
            **{"base_url": url, "viewport": {"width": 1280, "height": 800}, **options}
        )
        await context.add_init_script(REPORT_BREACHES)
        window = Window(await context.new_page(), forgiven=forgiven)
        self._opened.append(window)
        return window

    async def beside(self, window: Window) -> Window:
        """Another window of the same browser: it shares the storage."""
        other = Window(await window.page.context.new_page(), forgiven=())
        self._opened.append(other)
        return other

    async def of(
        self,
        person: Person,
        *,
        at: int = 0,
        room: str = "",
        forgiven: tuple[str, ...] = (),
        **options: Any,
    ) -> Window:
        """Somebody's window at a replica: signed in, with a room open."""
        window = await self.open(person.cluster.urls[at], forgiven=forgiven, **options)
        await window.sign_in(person.username, PASSWORD)
        if room:
            await window.open(room)
        return window

    async def of_unscripted(
        self, person: Person, *, at: int = 0, room: str = "", **options: Any
    ) -> Window:
        """As `of`, in a browser that runs no scripts of the page."""
        url = person.cluster.urls[at]
        window = await self.open(url, java_script_enabled=False, **options)
        await window.fill_in_login(person.username, PASSWORD)
        await window.page.goto(f"/rooms/{room}/" if room else "/")
        return window

    async def close(self) -> None:
        for window in self._opened:
            await window.page.context.close()

    def complaints(self) -> list[str]:
        return [line for window in self._opened for line in window.complaints()]


async def serve_scripts(page: Page, folder: Path) -> None:
    """Give a page our scripts from the disk, with no server: for what is pure."""

    async def answer(route: Any) -> None:
        name = route.request.url.partition("/js/")[2]
        if not name:
            await route.fulfill(
                body="<!doctype html><title>modules</title>", content_type="text/html"
            )
            return
        await route.fulfill(body=(folder / name).read_text(), content_type="text/javascript")

    await page.route("http://modules.test/**", answer)
    await page.goto("http://modules.test/")


async def in_module(page: Page, module: str, code: str, *, exports: str, given: Any = None) -> Any:
    """What `code` returns, on a page beside our scripts, with these exports of a module at hand."""
    return await page.evaluate(
        f"async (given) => {{ const {exports} = await import('/js/{module}.js');{code} }}", given
    )
