"""What one can do to a message in Chromium: by pointer, by keys, and without scripts."""

import re
from typing import Any, Final

from playwright.async_api import Locator, expect

from chat.client import uuid7
from tests.browser import Window, Windows
from tests.cluster import Person

MAY: Final = "[data-message-menu] [data-deed]:visible"
DEEDS: Final = "buttons => buttons.map((button) => button.dataset.deed)"
WATCH_FLASHES: Final = """() => {
  window.flashed = [];
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (target.classList.contains("message--flash")) window.flashed.push(target.dataset.row);
    }
  }).observe(document.querySelector("[data-log]"), { subtree: true, attributeFilter: ["class"] });
}"""
"""A message lights up for a second and a half, in which a test may not come to look."""
HAS_FLASHED: Final = "(row) => window.flashed.includes(row)"


async def menu_of(window: Window, message: Locator) -> Locator:
    await message.hover()
    await window.get("[data-more]").click()
    menu = window.get("[data-message-menu]")
    await expect(menu).to_be_visible()
    return menu


async def choose(window: Window, message: Locator, deed: str) -> None:
    await (await menu_of(window, message)).locator(f"[data-deed={deed}]").click()


async def offered(window: Window, message: Locator) -> list[str]:
    await menu_of(window, message)
    found: list[str] = await window.get(MAY).evaluate_all(DEEDS)
    await window.page.keyboard.press("Escape")
    await expect(window.get("[data-message-menu]")).to_be_hidden()
    return found


async def test_two_people_use_all_of_a_messages_menu(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    hers = await windows.of(
        alice, at=0, room=room, permissions=["clipboard-read", "clipboard-write"]
    )
    his = await windows.of(bob, at=1, room=room)
    await hers.say("who brings *cake*?")
    await his.sees("who brings")
    await expect(hers.get(".message--pending")).to_have_count(0)
    cake_for_him = his.message("who brings").first
    cake_for_her = hers.message("who brings").first
    assert await offered(his, cake_for_him) == [
        "react",
        "reply",
        "copy",
        "link",
        "unread",
        "report",
    ]
    assert await offered(hers, cake_for_her) == [
        "react", "reply", "edit", "pin", "copy", "link", "delete"
    ]  # fmt: skip

    await menu_of(his, cake_for_him)
    await his.get("[data-message-menu] [data-emoji='🎉']").click()
    reaction = cake_for_her.locator(".reaction")
    await expect(reaction).to_have_text("🎉 1")
    await expect(reaction).to_have_attribute("aria-pressed", "false")
    await reaction.hover()
    await expect(reaction).to_have_attribute("title", str(bob.user["display_name"]))
    await reaction.click()
    await expect(cake_for_him.locator(".reaction")).to_have_text("🎉 2")
    await expect(reaction).to_have_attribute("aria-pressed", "true")
    await reaction.click()
    await expect(cake_for_him.locator(".reaction")).to_have_text("🎉 1")
    await cake_for_her.hover()
    await hers.get("[data-message-tools] [data-deed=react]").click()
    await hers.page.fill("#palette-any", "🦔")
    await hers.page.keyboard.press("Enter")
    await expect(cake_for_him.locator(".reaction")).to_have_text(["🎉 1", "🦔 1"])

    await choose(his, cake_for_him, "reply")
    about = his.get("[data-part=context]")
    await expect(about).to_contain_text(f"Replying to {alice.user['display_name']}")
    await his.page.keyboard.press("Escape")
    await expect(about).to_be_hidden()
    await choose(his, cake_for_him, "reply")
    await expect(about).to_be_visible()
    await his.say("I do")
    await expect(about).to_be_hidden()
    quote = hers.message("I do").locator(".message__quote")
    await expect(quote).to_contain_text("who brings")
    await hers.script(WATCH_FLASHES)
    await quote.click()
    await hers.until(HAS_FLASHED, await cake_for_her.get_attribute("data-row"))
    await expect(hers.page).to_have_url(re.compile(room))

    await choose(hers, cake_for_her, "pin")
    await expect(cake_for_him).to_contain_text("Pinned")
    await expect(cake_for_her).to_contain_text("Pinned")
    assert "unpin" in await offered(hers, cake_for_her)
    await choose(hers, cake_for_her, "link")
    await expect(hers.get("[data-toast]")).to_contain_text("copied")
    link = await hers.script("() => navigator.clipboard.readText()")
    await hers.page.goto(link)
    await expect(cake_for_her).to_be_in_viewport()
    await hers.live()

    await choose(his, cake_for_him, "report")
    await his.page.select_option("#report-reason", "Something else")
    await his.page.fill("#report-comment", "cake is <b>unhealthy</b>")
    await his.get("[data-dialog=report] [type=submit]").click()
    await expect(his.get("[data-toast]")).to_contain_text("Thank you")

    await choose(hers, hers.message("I do"), "delete")
    dialog = hers.get("[data-dialog=delete]")
    await expect(dialog).to_contain_text("I do")
    await dialog.get_by_role("button", name="Delete").click()
    await his.sees("This message was deleted.")
    await expect(dialog).to_be_hidden()


async def test_the_tools_of_a_message_stand_where_one_is_when_its_menu_has_closed(
    windows: Windows, alice: Person
) -> None:
    window = await windows.of(alice, room=await alice.channel())
    for text in ("one", "two"):
        await window.say(text)
        await window.sees(text)
    await expect(window.get(".message--pending")).to_have_count(0)
    one, two = window.message("one"), window.message("two")
    active = re.compile("message--active")
    tools, menu = window.get("[data-message-tools]"), window.get("[data-message-menu]")
    await window.script(COUNT_CLOSINGS)
    await menu_of(window, one)
    await window.page.keyboard.press("Escape")
    await window.until(HAVE_CLOSED, 1)
    await expect(tools).to_be_visible()
    await expect(one).to_have_class(active)
    await menu_of(window, one)
    box = await two.bounding_box()
    assert box
    await window.page.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2)
    await window.page.mouse.down()
    await window.page.mouse.up()
    await expect(menu).to_be_hidden()
    await window.until(HAVE_CLOSED, 2)
    await expect(tools).to_be_visible()
    await expect(two).to_have_class(active)
    await window.page.mouse.move(0, 0)
    await expect(tools).to_be_hidden()
    await two.focus()
    await window.page.keyboard.press(".")
    await expect(menu).to_be_visible()
    await window.page.keyboard.press("Escape")
    await window.until(HAVE_CLOSED, 3)
    await expect(tools).to_be_visible()
    await expect(two).to_have_class(active)


COUNT_CLOSINGS: Final = """() => {
  window.closings = 0;
  document.querySelector("[data-message-menu]").addEventListener("toggle", ({ newState }) => {
    if (newState === "closed") window.closings += 1;
  });
}"""
HAVE_CLOSED: Final = "(times) => window.closings === times"


async def test_keys_alone_edit_a_message_and_a_refused_edit_keeps_its_text(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    path = f"/rooms/{room}/messages"
    window = await windows.of(alice, room=room)
    keys = window.page.keyboard
    for text in ("first", "secnd"):
        await window.say(text)
        await window.sees(text)
    await expect(window.get(".message--pending")).to_have_count(0)
    await bob.rest.post(path, id=uuid7(), text="not hers")
    await window.sees("not hers")

    await keys.press("ArrowUp")
    await expect(window.composer).to_have_value("secnd")
    await expect(window.message("secnd")).to_have_class(re.compile("message--changing"))
    await keys.press("Escape")
    await expect(window.composer).to_have_value("")
    await keys.press("ArrowUp")
    await window.composer.fill("second")
    await keys.press("Enter")
    await expect(window.message("second")).to_contain_text("(edited)")

    await window.scroller.focus()
    await keys.press("ArrowUp")
    await expect(window.message("not hers")).to_be_focused()
    await keys.press("ArrowUp")
    await expect(window.message("second")).to_be_focused()
    await keys.press(".")
    menu = window.get("[data-message-menu]")
    await expect(menu.locator("button").first).to_be_focused()
    await keys.press("ArrowDown")
    await expect(menu.locator("[data-deed=reply]")).to_be_focused()
    await keys.press("Escape")
    await expect(window.message("second")).to_be_focused()
    await alice.rest.put(f"{path}/{await id_of(window, 'second')}/reactions/👍")
    await expect(window.message("second").locator(".reaction")).to_have_text("👍 1")
    await expect(window.message("second")).to_be_focused()  # though it was drawn anew
    await keys.press("Escape")
    await expect(window.composer).to_be_focused()

    await keys.press("ArrowUp")
    await window.composer.fill("x" * 4 + " gone " + "y" * 4)
    await alice.rest.delete(f"{path}/{await id_of(window, 'first')}")
    await alice.rest.patch(f"/rooms/{room}", archived=True)
    await expect(window.composer).to_be_disabled()
    await alice.rest.patch(f"/rooms/{room}", archived=False)
    await expect(window.composer).to_be_enabled()
    await window.script(REFUSE_EDITS)
    await window.composer.press("Enter")
    failed = window.message("xxxx gone yyyy")
    await expect(failed).to_have_class(re.compile("message--failed"))
    await expect(failed).to_contain_text("Not edited: no such words")
    await failed.get_by_role("button", name="Edit").click()
    await expect(window.composer).to_have_value("xxxx gone yyyy")
    await window.script("() => WebSocket.prototype.restore()")
    await window.composer.fill("third")
    await keys.press("Enter")
    await expect(window.message("third")).to_contain_text("(edited)")
    await expect(window.get(".message--failed, .message--pending")).to_have_count(0)


REFUSE_EDITS: Final = """() => {
  const { prototype } = WebSocket;
  const send = prototype.send;
  prototype.restore = () => (prototype.send = send);
  prototype.send = function (text) {
    const { id, type } = JSON.parse(text);
    if (type !== "message.edit") return send.call(this, text);
    const error = { code: "validation_failed", message: "no such words", request_id: "0" };
    const data = JSON.stringify({ reply_to: id, ok: false, error });
    queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", { data })));
  };
}"""
"""The server's refusal of every edit, put in its place."""


async def id_of(window: Window, text: str) -> str:
    found = await window.message(text).get_attribute("data-row")
    assert found
    return found


async def test_a_message_can_be_changed_without_scripts(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    path = f"/rooms/{room}/messages"
    said: dict[str, Any] = await alice.rest.post(path, id=uuid7(), text="hello")
    hers = await windows.of_unscripted(alice, room=room)
    page = hers.page
    await hers.message("hello").get_by_role("link", name="What can be done").click()
    await page.get_by_role("button", name="🎉").click()
    await hers.message("hello").get_by_role("button", name="🎉 1").click()  # and takes it back
    await expect(hers.message("hello").locator(".reaction")).to_have_count(0)
    await hers.message("hello").get_by_role("link", name="What can be done").click()
    await page.fill("#edit-text", "hello again")
    await page.get_by_role("button", name="Save").click()
    await expect(hers.message("hello again")).to_contain_text("(edited)")
    await hers.message("hello").get_by_role("link", name="What can be done").click()
    await page.get_by_role("button", name="Pin", exact=True).click()
    await expect(hers.message("hello again")).to_contain_text("Pinned")

    his = await windows.of_unscripted(bob, at=1, room=room)
    await his.message("hello").get_by_role("link", name="What can be done").click()
    await expect(his.page.get_by_role("button", name="Report")).to_be_visible()
    for name in ("Save", "Unpin", "Delete for everybody"):
        await expect(his.page.get_by_role("button", name=name)).to_have_count(0)
    await his.page.get_by_role("button", name="Report").click()
    await expect(his.page.get_by_role("status")).to_contain_text("Thank you")
    await his.page.fill("#reply-text", "welcome back")
    await his.page.get_by_role("button", name="Send").click()
    await expect(his.message("welcome back").locator(".message__quote")).to_contain_text("hello")
    token = await his.get("[data-composer] [name=csrfmiddlewaretoken]").get_attribute("value")
    refused = await his.page.request.post(
        f"/rooms/{room}/messages/{said['id']}/delete/",
        form={"csrfmiddlewaretoken": token or ""},
        headers={"Referer": his.page.url},
    )
    assert refused.status == 403
    assert "Only owners and moderators" in await refused.text()
