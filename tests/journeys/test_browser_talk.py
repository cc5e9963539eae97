"""Two people in Chromium, each at another replica."""

import asyncio
import re

from playwright.async_api import expect

from chat.client import uuid7
from tests.browser import Windows
from tests.cluster import Person


async def test_they_meet_in_a_channel_and_talk(
    windows: Windows, alice: Person, bob: Person
) -> None:
    hers = await windows.of(alice, at=0)
    his = await windows.of(bob, at=1)
    name = f"lobby of {alice.username}"

    await hers.get(".welcome [data-open=create]").click()
    await hers.page.fill("#create-name", name)
    await hers.page.keyboard.press("Enter")
    await hers.is_in(name)

    await his.get(".welcome [data-open=browse]").click()
    await his.page.fill("[data-dialog=browse] [data-part=q]", name)
    found = his.get("[data-dialog=browse] .result")
    await expect(found).to_have_count(1)  # what was found before letters were typed is gone
    await found.get_by_role("button", name=f"Join {name}").click()
    await his.is_in(name)

    await hers.say("hello **bob**")
    await his.sees("hello bob")
    await expect(his.message("hello bob").locator("strong")).to_have_text("bob")
    await his.say("hello alice\nhow are you")  # filled at once, as by Shift+Enter
    await hers.sees("how are you")
    await hers.sees("hello bob")
    await expect(hers.get(".message--pending, .message--failed")).to_have_count(0)
    await expect(hers.get(".room-head__count")).to_have_text("2")

    for _ in range(2):  # as it came, and as the server shows it
        author = his.message("hello bob").locator(".message__author")
        await expect(author).to_have_attribute("title", f"@{alice.username}")
        await his.page.reload()


async def test_enter_sends_and_shift_enter_breaks_the_line(windows: Windows, alice: Person) -> None:
    window = await windows.of(alice, at=0, room=await alice.channel())
    await window.composer.press_sequentially("one")
    await window.composer.press("Shift+Enter")
    await window.composer.press_sequentially("two")
    await expect(window.messages).to_have_count(0)
    await window.composer.press("Enter")
    await window.sees("one")
    await expect(window.composer).to_have_value("")
    assert (await window.message("one").locator(".message__body").inner_text()) == "one\ntwo"


async def test_one_sees_who_is_typing_until_they_sent_it(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    hers = await windows.of(alice, at=0, room=room)
    his = await windows.of(bob, at=1, room=room)
    typing = hers.get("[data-typing]")
    seen = asyncio.create_task(
        expect(typing).to_have_text(f"{bob.user['display_name']} is typing…")
    )
    while not seen.done():  # it is forgotten after 6 s, in which a test may not come to look
        await his.composer.press_sequentially("well ")
        await asyncio.wait([seen], timeout=1)
    await seen
    await his.composer.press("Enter")
    await hers.sees("well")
    await expect(typing).to_have_text("")


async def test_a_direct_message_is_numbered_in_the_list_and_on_the_tab(
    windows: Windows, alice: Person, bob: Person
) -> None:
    his = await windows.of(bob, at=1, room=await bob.channel())
    hers = await windows.of(alice, at=0)
    await hers.page.keyboard.press("Control+k")
    await hers.page.keyboard.type(bob.username)
    found = hers.get("[data-dialog=jump] [role=option]").filter(has_text=bob.username)
    await expect(found).to_have_attribute("aria-selected", "true")
    await hers.page.keyboard.press("Enter")
    await hers.is_in(str(bob.user["display_name"]))
    await hers.say("psst")
    await hers.say("are you there?")

    entry = his.room(str(alice.user["display_name"]))
    await expect(entry.locator("[data-part=badge-count]")).to_have_text("2")
    await expect(his.page).to_have_title(re.compile(r"^\(2\) "))
    await expect(his.get("[data-favicon]")).to_have_attribute("href", re.compile("mention"))

    await entry.locator("a").click()
    await his.sees("are you there?")
    await expect(his.get(".new-line")).to_have_count(1)
    await expect(entry.locator("[data-part=badge]")).to_be_hidden()
    await expect(his.page).to_have_title(re.compile(r"^[^(]"))
    await his.page.reload()  # the server knows that it was read
    await expect(his.get(".room-link__badge:visible")).to_have_count(0)


async def test_what_is_unread_in_a_channel_is_bold_and_a_mention_numbered(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    his = await windows.of(bob, at=1, room=await bob.channel())
    entry = his.get(f'[data-room="{room}"]')
    async with alice.chat() as hers:
        await hers.send(room, "to all")
        await expect(entry.locator("[data-part=unread-count]")).to_have_text("1")
        await expect(entry).to_have_class(re.compile("room-link--unread"))
        await expect(entry.locator("[data-part=badge]")).to_be_hidden()
        await hers.send(room, f"and to @{bob.username}")
        await expect(entry.locator("[data-part=badge-count]")).to_have_text("1")
    await entry.locator("a").click()
    await expect(his.message("and to")).to_have_class(re.compile("message--mention"))


async def test_what_becomes_of_a_message_is_seen_at_once(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    his = await windows.of(bob, at=1, room=room)
    path = f"/rooms/{room}/messages"
    one = await alice.rest.post(path, id=uuid7(), text="once")
    two = await alice.rest.post(path, id=uuid7(), text="twice", reply_to=one["id"])
    await his.sees("twice")
    await alice.rest.patch(f"{path}/{two['id']}", id=uuid7(), text="three times")
    await expect(his.message("three times")).to_contain_text("(edited)")
    await alice.rest.put(f"{path}/{two['id']}/reactions/👍")
    await expect(his.message("three times").locator(".reaction")).to_have_text("👍 1")
    await alice.rest.delete(f"{path}/{one['id']}")
    await his.sees("This message was deleted.")
    await expect(his.message("three times").locator(".message__quote")).to_contain_text("deleted")


async def test_one_leaves_a_room_and_it_leaves_the_list(windows: Windows, alice: Person) -> None:
    stays = await alice.channel()
    leaves = await alice.channel()
    window = await windows.of(alice, at=0, room=leaves)
    await window.get("[data-action=panel]").click()
    await expect(window.get(".person")).to_have_count(1)
    await window.get("[data-form=leave] button").click()
    await window.get("[data-action=leave-room]").click()
    await expect(window.get(f'[data-room="{leaves}"]')).to_have_count(0)
    await expect(window.page).to_have_url(re.compile(stays))


async def test_a_refused_channel_says_why_beside_the_field(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel()
    name = (await alice.rest.get(f"/rooms/{room}"))["name"]
    window = await windows.of(bob, at=1)
    await window.get(".welcome [data-open=create]").click()
    await window.page.fill("#create-name", name.upper())
    await window.page.keyboard.press("Enter")
    await expect(window.get("#create-name-error")).not_to_be_empty()
    await expect(window.get("#create-name")).to_be_focused()
    window.forgive("409")
