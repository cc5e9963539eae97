"""Notifications call somebody who looks elsewhere: what is shown, and when none is."""

import pytest
from playwright.async_api import Page, expect

from chat.client import uuid7
from tests import browser
from tests.browser import Windows
from tests.cluster import Person

STUB = """
globalThis.Notification = class extends EventTarget {
  static permission = "default";
  static shown = [];
  static answer = "granted";
  static async requestPermission() { return (this.permission = this.answer); }
  constructor(title, { body, tag }) {
    super();
    Object.assign(this, { title, body, tag, isClosed: false });
    Notification.shown.push(this);
  }
  close() { this.isClosed = true; }
};
Document.prototype.hasFocus = () => globalThis.looksHere ?? true;
"""
"""The browser's own cannot be read; what the page asks of it can."""

MAKE = (
    STUB
    + """
const item = document.body.appendChild(document.createElement("button"));
const said = [], gone = [], kept = {};
const storage = {
  getItem: (key) => kept[key] ?? null,
  setItem: (key, value) => (kept[key] = value),
};
const calls = new Calls(item, {
  me: "alice", storage, toast: { say: (text) => said.push(text) }, go: (...to) => gone.push(to),
});
calls.connect();
const room = { id: "r", kind: "channel", name: "general", notify: "mentions" };
const sender = { id: "bob", display_name: "Bob" };
const message = (more) => ({ id: "m", n: 7, text: "hello", mentions: [], sender, ...more });
const press = async () => { item.click(); await new Promise((settled) => setTimeout(settled, 0)); };
globalThis.looksHere = false;
"""
)


async def played(modules: Page, script: str) -> object:
    return await browser.in_module(modules, "calls", MAKE + script, exports="{ Calls }")


async def test_nobody_is_called_who_did_not_ask_for_it(modules: Page) -> None:
    assert await played(
        modules,
        """calls.received(message(), { ...room, kind: "direct" });
        const before = Notification.shown.length;
        await press();
        calls.received(message(), { ...room, kind: "direct" });
        return [before, Notification.shown.length, item.getAttribute("aria-checked")];""",
    ) == [0, 1, "true"]


@pytest.mark.parametrize(
    ("room", "message", "called"),
    [
        ("{ ...room, kind: 'direct' }", "message()", "Bob"),
        ("room", "message()", None),
        ("room", "message({ mentions: ['alice'] })", "Bob in general"),
        ("{ ...room, notify: 'all' }", "message()", "Bob in general"),
        ("{ ...room, notify: 'none' }", "message({ mentions: ['alice'] })", None),
        ("{ ...room, kind: 'direct', notify: 'none' }", "message()", None),
        ("{ ...room, notify: 'all' }", "message({ sender: { id: 'alice' } })", None),
    ],
)
async def test_a_room_calls_for_what_one_wants_of_it(
    modules: Page, room: str, message: str, called: str | None
) -> None:
    script = f"""await press();
        calls.received({message}, {room});
        return Notification.shown[0]?.title ?? null;"""
    assert await played(modules, script) == called


async def test_who_looks_at_the_page_is_not_called_and_coming_back_ends_the_call(
    modules: Page,
) -> None:
    assert await played(
        modules,
        """await press();
        globalThis.looksHere = true;
        calls.received(message(), { ...room, notify: "all" });
        const here = Notification.shown.length;
        globalThis.looksHere = false;
        calls.received(message(), { ...room, notify: "all" });
        const open = Notification.shown[0].isClosed;
        window.dispatchEvent(new Event("focus"));
        return [here, open, Notification.shown[0].isClosed];""",
    ) == [0, False, True]


async def test_a_call_leads_to_its_message(modules: Page) -> None:
    assert await played(
        modules,
        """await press();
        calls.received(message({ n: 9 }), { ...room, notify: "all" });
        Notification.shown[0].dispatchEvent(new Event("click"));
        return gone;""",
    ) == [["r", 9]]


async def test_a_browser_that_forbids_it_is_told_of_and_it_stays_off(modules: Page) -> None:
    found = await played(
        modules,
        """Notification.answer = "denied";
        await press();
        return [said.length, item.getAttribute("aria-checked")];""",
    )
    assert found == [1, "false"]


async def test_it_is_switched_on_in_ones_own_menu_and_a_direct_message_calls(
    windows: Windows, alice: Person, bob: Person
) -> None:
    hers = await windows.of(alice, at=0)
    await hers.page.add_init_script(STUB)
    await hers.page.reload()
    item = hers.page.get_by_role("menuitemcheckbox", name="Notifications")
    for expected in ("false", "true"):
        await hers.get("[data-own-presence]").click()
        await expect(item).to_have_attribute("aria-checked", expected)
        if expected == "false":
            await item.click()
            await expect(item).to_have_attribute("aria-checked", "true")
        await hers.page.keyboard.press("Escape")
    await hers.page.evaluate("globalThis.looksHere = false")

    room = (await bob.rest.post("/dms", user_ids=[alice.id]))["id"]
    await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="are you there?")

    called = await hers.page.wait_for_function("Notification.shown[0]?.body")
    assert await called.json_value() == "are you there?"
