"""What is pinned, beside the room in Chromium: there, led to, and never behind."""

import re

from playwright.async_api import Locator, expect

from chat.client import uuid7
from tests.browser import Window, Windows
from tests.cluster import Person

MANY = 120
"""Messages: more than a page, so that the first of them is not loaded."""


async def filled(alice: Person, bob: Person) -> tuple[str, list[str]]:
    room, ids = await alice.channel(bob), [uuid7() for _ in range(MANY)]
    async with bob.chat() as chat:
        for number, id in enumerate(ids):
            await chat.send(room, f"message {number}.", id=id)
    return room, ids


async def pin(person: Person, room: str, message: str) -> None:
    await person.rest.put(f"/rooms/{room}/messages/{message}/pin")


def pins(window: Window) -> Locator:
    return window.get("[data-part=pins-list] a")


async def test_what_is_pinned_is_listed_and_leads_to_its_place(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room, ids = await filled(alice, bob)
    for message in (ids[2], ids[110]):
        await pin(alice, room, message)
    window = await windows.of(alice, room=room)
    await window.get("[data-action=panel]").click()
    await expect(pins(window)).to_have_count(2)
    await expect(pins(window).first).to_contain_text("message 110.")
    await expect(pins(window).last).to_contain_text(str(bob.user["display_name"]))
    await expect(window.message("message 2.")).to_have_count(0)
    await pins(window).last.click()
    await expect(window.message("message 2.")).to_be_in_viewport()
    await expect(window.page).to_have_url(re.compile(rf"/rooms/{room}/$"))  # without a load
    await expect(window.get("[data-panel]")).to_be_visible()

    other = await alice.channel()
    await window.get(f'[data-room="{other}"] a').click()
    await expect(window.get("[data-part=pins]")).to_be_hidden()
    await window.get(f'[data-room="{room}"] a').click()
    await expect(pins(window)).to_have_count(2)


async def test_the_list_follows_what_others_do(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room, ids = await filled(alice, bob)
    window = await windows.of(bob, at=1, room=room)
    await window.get("[data-action=panel]").click()
    await expect(window.get(".person")).to_have_count(2)
    await expect(window.get("[data-part=pins]")).to_be_hidden()
    for message in ids[:4]:
        await pin(alice, room, message)
    await expect(pins(window)).to_have_count(4)
    await expect(pins(window).locator("visible=true")).to_have_count(3)
    whole = window.get("[data-part=pins-all]")
    await expect(whole).to_have_text("Show all 4")
    await whole.press("Enter")
    await expect(pins(window).last).to_be_visible()
    await expect(pins(window).last).to_be_focused()

    await bob.rest.patch(f"/rooms/{room}/messages/{ids[0]}", id=uuid7(), text="better")
    await expect(pins(window).last).to_contain_text("better")
    await expect(pins(window).last).to_be_focused()
    await alice.rest.delete(f"/rooms/{room}/messages/{ids[1]}/pin")
    await bob.rest.delete(f"/rooms/{room}/messages/{ids[2]}")
    await expect(pins(window)).to_have_count(2)
    await expect(pins(window).first).to_contain_text("message 3.")


async def test_on_a_phone_the_panel_makes_way_for_what_it_led_to(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room, ids = await filled(alice, bob)
    await pin(alice, room, ids[2])
    window = await windows.of(bob, room=room, viewport={"width": 360, "height": 740})
    await window.get("[data-action=panel]").click()
    await pins(window).click()
    await expect(window.get("[data-panel]")).to_be_hidden()
    await expect(window.message("message 2.")).to_be_in_viewport()
