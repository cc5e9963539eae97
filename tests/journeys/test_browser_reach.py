"""Everything in reach in Chromium: by keyboard alone, on a small screen, in little time."""

import re
from typing import Any, Final

import pytest
from playwright.async_api import expect

from chat.client import uuid7
from tests import axe, stalls
from tests.browser import Window, Windows
from tests.cluster import Person

WEIGHT_MAX_BYTES = 150 * 1024
"""docs/performance.md: the first chat page, cold, with everything that it loads."""
FIRST_MESSAGE_MS = 1_000
TRIES_MAX = 12
"""How often it may take longer because the machine is busy with something else."""
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
FIRST_PAINT_MS = """() => new Promise((told) => new PerformanceObserver((list) => {
  const [found] = list.getEntriesByName("first-contentful-paint");
  if (found) told(found.startTime);
}).observe({ type: "paint", buffered: true }))"""
"""It may be told of some time after it was."""
LISTEN: Final = """() => {
  const log = document.querySelector("[data-log]");
  window.told = [];
  new MutationObserver((changes) => {
    if (log.getAttribute("aria-live") === "off") return;
    for (const change of changes) for (const node of change.addedNodes) {
      window.told.push(node.textContent);
    }
  }).observe(log, { childList: true, subtree: true });
}"""
"""What is added to the log while it speaks."""
PHONE: Final[dict[str, Any]] = {"viewport": {"width": 360, "height": 740}}


async def test_keys_lead_to_every_room(windows: Windows, alice: Person) -> None:
    rooms = [await alice.channel() for _ in range(3)]
    names = sorted([(await alice.rest.get(f"/rooms/{room}"))["name"] for room in rooms])
    window = await windows.of(alice)
    await window.get("[data-room] a").first.click()
    await window.is_in(names[0])
    keys = window.page.keyboard
    for key, name in (
        ("Alt+ArrowDown", names[1]),
        ("Alt+ArrowDown", names[2]),
        ("Alt+ArrowDown", names[0]),  # round and round
        ("Alt+ArrowUp", names[2]),
    ):
        await keys.press(key)
        await window.is_in(name)
    await keys.press("Control+k")
    await keys.type(names[1])
    await expect(window.get("[role=option]").first).to_contain_text(names[1])
    await keys.press("Enter")
    await window.is_in(names[1])
    await expect(window.composer).to_be_focused()


async def test_a_question_mark_shows_the_keys_but_not_while_writing(
    windows: Windows, alice: Person
) -> None:
    window = await windows.of(alice, room=await alice.channel())
    dialog = window.get("[data-dialog=keys]")
    await window.composer.press_sequentially("why?")
    await expect(dialog).to_be_hidden()
    await window.scroller.focus()
    await window.page.keyboard.press("?")
    await expect(dialog).to_be_visible()
    await window.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(window.scroller).to_be_focused()
    await window.page.keyboard.press("x")  # letters go where they are wanted
    await expect(window.composer).to_have_value("why?x")


async def test_tab_reaches_every_control_and_shows_where_it_is(
    windows: Windows, alice: Person
) -> None:
    window = await windows.of(alice, room=await alice.channel())
    await window.script("() => document.activeElement.blur()")
    wanted = await window.script(
        """() => [...document.querySelectorAll("a[href], button, textarea, [tabindex='0']")]
          .filter((each) => each.checkVisibility() && each.tabIndex >= 0).length"""
    )
    reached = set()
    for _ in range(wanted + 2):
        await window.page.keyboard.press("Tab")
        name, ring = await window.script(
            """() => {
              const at = document.activeElement;
              const box = at.closest(".composer__box") ?? at;
              const style = getComputedStyle(box);
              return [at.outerHTML, style.outlineStyle !== "none" || style.boxShadow !== "none"];
            }"""
        )
        if not name.startswith("<body"):
            assert ring, name
            reached.add(name)
    assert len(reached) >= wanted


async def test_a_screen_reader_is_told_what_others_say_and_not_what_one_wrote_oneself(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    window = await windows.of(alice, room=room)
    log = window.page.get_by_role("log", name="Messages")
    await window.script(LISTEN)
    await window.say("I know this")
    await window.sees("I know this")
    await expect(window.get(".message--pending")).to_have_count(0)
    await expect(log).to_have_attribute("aria-live", "polite")
    await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="hear me")
    await window.sees("hear me")
    told = await window.script("() => window.told.join()")
    assert "hear me" in told
    assert "I know this" not in told
    await expect(window.page.get_by_role("textbox", name=re.compile("^Message "))).to_be_focused()


async def test_a_panel_over_the_conversation_goes_when_one_goes_on_there(
    windows: Windows, alice: Person
) -> None:
    window = await windows.of(
        alice, room=await alice.channel(), viewport={"width": 1024, "height": 768}
    )
    keys, panel, toggle = (
        window.page.keyboard, window.get("[data-panel]"), window.get("[data-action=panel]")
    )  # fmt: skip
    await toggle.click()
    await expect(window.get(".person")).to_have_count(1)
    await expect(panel).to_be_visible()
    await keys.press("Shift+Tab")
    await expect(window.get(".composer__send")).to_be_focused()
    await expect(panel).to_be_hidden()
    await toggle.click()
    await expect(panel).to_be_visible()
    await window.page.mouse.click(400, 400)
    await expect(panel).to_be_hidden()
    await window.page.set_viewport_size({"width": 1280, "height": 768})
    await toggle.click()
    await window.composer.click()
    await expect(window.composer).to_be_focused()
    await expect(panel).to_be_visible()


async def test_the_focus_stays_at_the_person_whose_line_is_drawn_anew(
    windows: Windows, alice: Person, bob: Person, charlie: Person
) -> None:
    room = await alice.channel(bob)
    window = await windows.of(alice, room=room)
    keys = window.page.keyboard
    await window.get("[data-action=panel]").click()
    person = window.get(".person").filter(has_text=str(bob.user["display_name"]))
    await person.focus()
    await keys.press("Enter")
    await window.get("[data-member-menu] [data-role=moderator]").focus()
    await keys.press("Enter")
    await expect(person).to_contain_text("moderator")
    await expect(person).to_be_focused()
    await charlie.rest.post(f"/rooms/{room}/join")
    await expect(window.get(".person")).to_have_count(3)
    await expect(person).to_be_focused()
    await bob.rest.post(f"/rooms/{room}/leave")
    await expect(window.get(".person")).to_have_count(2)
    await expect(window.get("button.person")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_shows_one_thing_at_a_time(
    windows: Windows, alice: Person, bob: Person, scheme: str
) -> None:
    room = await alice.channel(bob)
    await alice.rest.patch(f"/rooms/{room}", topic="a topic " * 20)
    window = await windows.of(alice, room=room, color_scheme=scheme, **PHONE)
    await window.say("unbreakable" * 40 + " `code` https://example.org/" + "a" * 300)
    await window.say("```\n" + "wide " * 80 + "\n```")
    await window.sees("wide wide")
    await expect(window.get(".message--pending")).to_have_count(0)
    sidebar = window.get("[data-sidebar]")
    await expect(sidebar).to_be_hidden()
    assert await window.script(OVERFLOW) == 0

    await window.get("[data-action=sidebar]").click()
    await expect(sidebar).to_be_in_viewport()
    await window.page.keyboard.press("Escape")
    await expect(sidebar).to_be_hidden()
    await expect(window.get("[data-action=sidebar]")).to_be_focused()

    await window.get("[data-action=panel]").click()
    await expect(window.get(".person")).to_have_count(2)
    assert await window.script(OVERFLOW) == 0
    await window.page.keyboard.press("Escape")
    await expect(window.get("[data-panel]")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 640, 1440, 3840])
async def test_nothing_is_wider_than_the_screen(
    windows: Windows, alice: Person, width: int
) -> None:
    size = {"width": width, "height": 900}
    window = await windows.of(alice, room=await alice.channel(), viewport=size)
    await window.say("a word, and another, " * 40)
    await window.sees("a word")
    await expect(window.get(".message--pending")).to_have_count(0)
    for path in ("", "/rooms/browse/", "/rooms/create/", "/dms/create/"):
        if path:
            await window.page.goto(path)
        assert await window.script(OVERFLOW) == 0


async def test_the_first_page_is_light_and_there_at_once(windows: Windows, alice: Person) -> None:
    room = await alice.channel()
    async with alice.chat() as chat:
        for number in range(60):
            await chat.send(room, f"message {number}, as long as messages are when people talk.")
    known = await windows.of(alice)
    shown_ms: list[float] = []
    while not shown_ms or shown_ms[-1] >= stalls.stretched(FIRST_MESSAGE_MS):
        assert len(shown_ms) < TRIES_MAX, shown_ms
        cold = await again(windows, known, f"{alice.cluster.urls[0]}/rooms/{room}/")
        assert cold.bytes_loaded < WEIGHT_MAX_BYTES
        shown_ms.append(await cold.script(FIRST_PAINT_MS))


async def again(windows: Windows, window: Window, url: str) -> Window:
    """Another window of the same person with nothing in its cache, on a page, everything loaded."""
    state = await window.page.context.storage_state()
    cold = await windows.open("http://127.0.0.1", storage_state=state)
    await cold.weigh()
    await cold.page.goto(url)
    await cold.live()
    await cold.page.wait_for_load_state("networkidle")
    return cold


async def test_axe_finds_nothing_grave_on_any_page(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    path = f"/rooms/{room}/messages"
    said = await bob.rest.post(path, id=uuid7(), text="**hello** @" + alice.username)
    await alice.rest.post(path, id=uuid7(), text="`code`", reply_to=said["id"])
    await alice.rest.put(f"{path}/{said['id']}/reactions/🎉")
    await alice.rest.put(f"{path}/{said['id']}/pin")
    gone = await bob.rest.post(path, id=uuid7(), text="gone")
    await bob.rest.delete(f"{path}/{gone['id']}")
    window = await windows.of(alice, room=room)
    page = window.page
    found: dict[str, list[str]] = {}

    async def look(what: str) -> None:
        """In both schemes: the second time at the colours alone."""
        found[what] = await axe.grave(page)
        await page.emulate_media(color_scheme="dark")
        found[f"{what}, dark"] = await axe.grave(page, axe.CONTRAST)
        await page.emulate_media(color_scheme="light")

    await look("the chat")
    await window.messages.first.hover()
    await window.get("[data-more]").click()
    await look("the menu")
    await window.get("[data-message-menu] [data-deed=react]").click()
    await look("the palette")
    await page.keyboard.press("Escape")
    await window.get("[data-action=panel]").click()
    await expect(window.get(".person")).to_have_count(2)
    await window.get("[data-open=settings]").click()
    await look("a form in a dialog")
    await page.keyboard.press("Escape")
    await window.get("[data-open=moderation]").click()
    await expect(window.get("[data-part=no-bans]")).to_be_visible()
    await look("the bans")
    await page.keyboard.press("Escape")
    await window.get("[data-open=browse]").first.click()
    await expect(window.get("[data-dialog=browse] .result").first).to_be_visible()
    await look("a list in a dialog")
    await page.keyboard.press("Escape")
    await window.get(".person").last.click()
    await expect(window.get("[data-member-menu]")).to_be_visible()
    await look("the menu of a member")
    await page.keyboard.press("Escape")
    await page.set_viewport_size({"width": 360, "height": 740})
    await look("a phone")
    await page.goto(f"{path}/{said['id']}/")
    await look("the page of a message")
    for address in (
        *("/rooms/browse/", "/rooms/create/", "/dms/create/"),
        *("/accounts/password/", "/accounts/me/"),
    ):
        await page.goto(address)
        found[address] = await axe.grave(page)
    await page.context.clear_cookies()
    for address in ("/accounts/login/", "/accounts/register/"):
        await page.goto(address)
        found[address] = await axe.grave(page)
    assert {what: grave for what, grave in found.items() if grave} == {}
