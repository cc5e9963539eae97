"""A room's pages in Chromium that come late, or never, or are older than what was heard."""

import asyncio
import json
import re

from playwright.async_api import Page, Route, WebSocketRoute, expect

from chat.client import uuid7
from tests import browser
from tests.browser import Window, Windows
from tests.cluster import Person
from tests.journeys.test_browser_reading import AT_THE_END, PLACE, fill, place

DELETED = "This message was deleted."
IS_NEAR = f"""(place) => {{
  const {{ text, offset }} = ({PLACE})();
  return text === place.text && Math.abs(offset - place.offset) < 2;
}}"""
HISTORY = """
  const timers = [], failing = { get: async () => { throw new Error("no"); } };
  window.setTimeout = (run, ms) => timers.push({ run, ms });
  window.clearTimeout = (timer) => { if (timer) timers[timer - 1].run = () => {}; };
  const timeline = { firstN: 51, lastN: 100 };
  const root = document.createElement("div");
"""


class Forgetful:
    """The wire between a page and its server: what happens while it is deaf is lost for good."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._route: WebSocketRoute | None = None
        self._heads: dict[str, tuple[int, int]] = {}
        self._has_come_back = asyncio.Event()
        self.is_deaf = False

    async def hold(self) -> None:
        await self._window.page.route_web_socket(re.compile("/ws/v1/"), self._opened)

    async def lose(self) -> None:
        """The page comes back to a server whose log does not reach back to where it was."""
        assert self._route
        self.is_deaf = False
        self._has_come_back.clear()
        await self._route.close(code=1012)
        await self._has_come_back.wait()

    def _opened(self, route: WebSocketRoute) -> None:
        self._route = route
        self._has_come_back.set()
        server = route.connect_to_server()

        def told(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame.get("type") == "hello":
                rooms = frame["data"]["rooms"]
                self._heads = {room["id"]: (room["head_seq"], room["head_n"]) for room in rooms}
            if "reply_to" in frame or not self.is_deaf:
                route.send(text)

        def said(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "resume":
                for room in frame["data"]["rooms"]:
                    seq, n = self._heads[room]
                    data = {"head_seq": seq, "head_n": n}
                    route.send(json.dumps({"type": "room.reset", "room": room, "data": data}))
                frame["data"]["rooms"] = {}
            server.send(json.dumps(frame))

        server.on_message(told)
        route.on_message(said)


async def test_a_room_whose_log_went_on_too_far_is_loaded_anew(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    await fill(alice, room, 120)
    window = await windows.of(bob, at=1)
    line = Forgetful(window)
    await line.hold()
    await window.open(room)
    await window.page.keyboard.press("Escape")
    await window.sees("line 120.")
    page = await alice.rest.get(f"/rooms/{room}/messages")
    ids = [message["id"] for message in page["results"]]

    line.is_deaf = True
    await alice.rest.delete(f"/rooms/{room}/messages/{ids[-1]}")
    await fill(alice, room, 2, word="at night")
    await line.lose()
    await window.sees("at night 2.")
    await expect(window.get(".new-line + .message")).to_contain_text("at night 1.")
    await expect(window.messages.filter(has_text=DELETED)).to_have_count(1)
    await window.until(AT_THE_END)

    await window.scroll(by=-900)
    seen = await place(window)
    line.is_deaf = True
    await alice.rest.delete(f"/rooms/{room}/messages/{ids[-2]}")
    await line.lose()
    await expect(window.messages.filter(has_text=DELETED)).to_have_count(2)
    await window.until(IS_NEAR, seen)


async def test_a_page_that_comes_after_what_was_heard_brings_nothing_back(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    await fill(alice, room, 60)
    first = (await alice.rest.get(f"/rooms/{room}/messages", around_n=1, limit=2))["results"][0]
    window = await windows.of(bob, at=1)
    asked: asyncio.Queue[Route] = asyncio.Queue()
    await window.page.route("**/messages?*before_n=*", asked.put)
    await window.open(room)
    await window.scroll(by=-4_000)
    route = await asked.get()
    older = await route.fetch()
    await alice.rest.delete(f"/rooms/{room}/messages/{first['id']}")
    await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="said after it")
    await window.sees("said after it")
    await route.fulfill(response=older)
    await expect(window.messages.first).to_have_text(re.compile(DELETED))
    await window.sees("line 1.", times=0)


async def test_a_page_that_comes_too_late_for_a_visit_does_not_disturb_the_next(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room, other = await alice.channel(bob), await bob.channel()
    await fill(alice, room, 60)
    await bob.rest.put(f"/rooms/{room}/read", n=60)
    window = await windows.of(bob, at=1)
    await window.page.clock.install()
    await window.open(other)
    asked: list[Route] = []
    first = asyncio.Event()

    async def answer(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            await route.continue_()
        first.set()

    await window.page.route(f"**/rooms/{room}/messages?limit=50", answer)
    entry = window.get(f'[data-room="{room}"] a')
    await entry.click()
    await first.wait()
    await window.get(f'[data-room="{other}"] a').click()
    await entry.click()
    await window.sees("line 60.")
    await window.scroll(by=-900)
    seen = await place(window)
    async with window.page.expect_response(f"**/rooms/{room}/messages?limit=50"):
        await asked[0].continue_()
    await window.page.clock.fast_forward(10_000)
    await fill(alice, room, 1, word="late")
    await expect(window.get("[data-pill=down]")).to_have_text("1 new")
    assert await place(window) == seen
    assert len(asked) == 2


async def test_a_link_to_a_message_is_followed_once_there_is_a_line(
    windows: Windows, alice: Person
) -> None:
    room, other = await alice.channel(), await alice.channel()
    await fill(alice, room, 120)
    link = f"{alice.cluster.urls[0]}/rooms/{room}/?n=20"
    await alice.rest.post(f"/rooms/{other}/messages", id=uuid7(), text=link)
    window = await windows.of(alice, room=other, forgiven=("ERR_FAILED",))
    tries = 0

    async def fail_once(route: Route) -> None:
        nonlocal tries
        tries += 1
        await (route.abort() if tries == 1 else route.continue_())

    await window.page.route("**/messages?*around_n=*", fail_once)
    await window.message("?n=20").locator(".message__body a").click()
    await expect(window.message("line 20.")).to_be_in_viewport()
    assert tries == 2


async def test_a_link_to_a_message_that_there_is_not_shows_the_newest(
    windows: Windows, alice: Person
) -> None:
    room = await alice.channel()
    await fill(alice, room, 60)
    window = await windows.of(alice, room=room)
    await window.page.goto(f"/rooms/{room}/?n=1000")
    await expect(window.message("line 60.")).to_be_in_viewport()


async def test_a_page_that_cannot_be_had_is_asked_for_once_in_a_while(modules: Page) -> None:
    told = await browser.in_module(
        modules,
        "history",
        HISTORY
        + """const history = new History(failing, root), asked = [];
        history.enter("r");
        const told = [await history.older(timeline), history.isBusy];
        history.later(() => asked.push("first"));
        history.later(() => asked.push("second"));
        told.push(history.isBusy);
        for (const { run } of [...timers]) run();
        told.push(history.isBusy, asked);
        history.later(() => asked.push("third"));
        history.enter("s");
        told.push(history.isBusy);
        for (const { run } of timers.slice(2)) run();
        return [...told, timers.map(({ ms }) => ms)];""",
        exports="{ History }",
    )
    assert told == [None, False, True, False, ["second"], False, [3_000] * 3]


async def test_a_page_with_more_changes_behind_it_than_are_kept_is_asked_for_again(
    modules: Page,
) -> None:
    told = await browser.in_module(
        modules,
        "history",
        HISTORY
        + """const answers = [], told = [];
        const history = new History({ get: () => new Promise((ok) => answers.push(ok)) }, root);
        history.enter("r");
        for (const count of [500, 501]) {
          const asked = history.older(timeline);
          for (let seq = 1; seq <= count; seq++) {
            const data = { target: "m", emoji: "+", user: `u${seq}` };
            history.heard({ type: "reaction.added", room: "r", seq, data });
          }
          answers.pop()({ head_seq: 100, results: [{ id: "m", reactions: [] }] });
          told.push((await asked)?.results[0].reactions[0].count ?? null);
        }
        return told;""",
        exports="{ History }",
    )
    assert told == [400, None]


async def test_a_place_that_is_gone_is_not_taken_for_one_that_was_reached(modules: Page) -> None:
    told = await browser.in_module(
        modules,
        "scroller",
        """document.body.innerHTML = `<div id=box style="block-size: 100px; overflow: auto"><div>${
          Array.from({ length: 30 }, (_, n) =>
            `<p data-row=m${n} data-n=${n} style="block-size: 40px; margin: 0"></p>`).join("")
        }</div></div>`;
        const box = document.getElementById("box");
        const scroller = new Scroller(box, box.firstElementChild);
        const told = [];
        for (const key of ["m0", "m12", "m99", "m29"]) {
          const isThere = scroller.goTo({ key, offset: -15 });
          told.push([isThere, scroller.place.key ?? scroller.place, scroller.isAtBottom]);
        }
        return told;""",
        exports="{ Scroller }",
    )
    assert told == [
        [True, "m0", False],
        [True, "m12", False],
        [False, "m12", False],
        [True, "bottom", True],
    ]
