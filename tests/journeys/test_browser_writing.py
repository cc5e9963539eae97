"""The box one writes in, in Chromium: what is typed is never lost, and what failed is said."""

import asyncio
import re
from datetime import timedelta

from playwright.async_api import Route, expect

from chat.client import uuid7
from chatsite import times
from tests.browser import Line, Windows
from tests.cluster import Person

SHOWS_WHY = '() => document.querySelector("[data-part=gate]").offsetHeight > 5'
ENDS_A_WORD = """() => document.activeElement.dispatchEvent(new KeyboardEvent(
  "keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true }))"""
"""The Enter of an input method as Safari tells of it: no longer composing."""


async def test_what_is_written_far_back_is_seen_though_the_newest_page_cannot_be_had(
    windows: Windows, alice: Person
) -> None:
    room = await alice.channel()
    async with alice.chat() as chat:
        for number in range(1, 131):
            await chat.send(room, f"line {number}.")
    window = await windows.of(alice, forgiven=("ERR_FAILED",))
    line = Line(window)
    await line.hold()
    await window.page.route("**/messages?*", lambda route: route.abort())
    await window.page.goto(f"/rooms/{room}/?n=20")
    await window.live()
    await expect(window.message("line 20.")).to_be_in_viewport()
    line.is_cut = True
    await window.say("from far back")
    written = window.message("from far back")
    await expect(written).to_be_in_viewport()
    await expect(written).to_have_class(re.compile("message--pending"))


async def test_what_is_refused_in_a_room_that_was_left_is_said(
    windows: Windows, alice: Person
) -> None:
    room, other = await alice.channel(), await alice.channel()
    name = (await alice.rest.get(f"/rooms/{room}"))["name"]
    window = await windows.of(alice)
    line = Line(window)
    await line.hold()
    await window.open(room)
    line.is_cut = True
    await window.say("to nobody")
    frame = await line.sent.get()
    await window.get(f'[data-room="{other}"] a').click()
    await expect(window.page).to_have_url(re.compile(other))
    line.refuse(frame, code="muted", message="You are muted in this room.")
    toast = window.get("[data-toast]")
    await expect(toast).to_contain_text(f"{name}: Not sent: You are muted in this room.")
    entry = window.get(f'[data-room="{room}"]')
    sign = entry.locator("[data-part=failed]")
    await expect(sign).to_be_visible()
    await window.page.reload()
    await window.live()
    await expect(sign).to_be_visible()
    await entry.locator("a").click()
    await window.message("to nobody").get_by_role("button", name="Discard").click()
    await expect(sign).to_be_hidden()


async def test_a_failed_answer_is_written_again_as_an_answer(
    windows: Windows, alice: Person
) -> None:
    room = await alice.channel()
    await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="tea?")
    window = await windows.of(alice)
    line = Line(window)
    await line.hold()
    await window.open(room)
    await window.message("tea?").hover()
    await window.get("[data-message-tools] [data-deed=reply]").click()
    line.is_cut = True
    await window.say("yes, plese")
    line.refuse(await line.sent.get(), code="muted", message="You are muted in this room.")
    await window.message("plese").get_by_role("button", name="Edit").click()
    await expect(window.composer).to_have_value("yes, plese")
    await expect(window.get("[data-part=context]")).to_contain_text("tea?")
    line.is_cut = False
    await window.say("yes, please")
    quote = window.message("yes, please").locator(".message__quote")
    await expect(quote).to_contain_text("tea?")
    await expect(window.get(".message--pending")).to_have_count(0)
    page = await alice.rest.get(f"/rooms/{room}/messages")
    assert page["results"][1]["reply_to"]["excerpt"] == "tea?"


async def test_what_is_typed_while_the_page_loads_stays(windows: Windows, alice: Person) -> None:
    room = await alice.channel()
    window = await windows.of(alice)
    asked: asyncio.Queue[Route] = asyncio.Queue()
    await window.page.route(re.compile(r"/js/chat\.[^/]*js"), asked.put)
    for typed, shown in (("half a", "half a"), ("thought", "half a\nthought")):
        await window.page.goto(f"/rooms/{room}/", wait_until="commit")
        await window.composer.fill(typed)
        await (await asked.get()).continue_()
        await window.live()
        await expect(window.composer).to_have_value(shown)


async def test_a_draft_is_shared_by_windows_and_ends_in_all_of_them(
    windows: Windows, alice: Person
) -> None:
    room, other = await alice.channel(), await alice.channel()
    one = await windows.of(alice, room=room)
    two = await windows.beside(one)
    await two.open(room)
    await one.composer.fill("half a thought")
    await expect(two.composer).to_have_value("half a thought")
    for left in (one, two):  # leaving a room keeps what was written, and takes back nothing
        await left.get(f'[data-room="{other}"] a').click()
        await expect(left.composer).to_have_value("")
        await left.page.go_back()
        await expect(left.composer).to_have_value("half a thought")
    await one.composer.press("Enter")
    await two.sees("half a thought")
    await expect(two.composer).to_have_value("")
    await two.composer.fill("of mine")
    await one.composer.fill("another")
    await expect(two.composer).to_have_value("of mine")


async def test_a_half_changed_message_waits_in_its_room(windows: Windows, alice: Person) -> None:
    room, other = await alice.channel(), await alice.channel()
    window = await windows.of(alice, room=room)
    await window.say("once")
    await expect(window.get(".message--pending")).to_have_count(0)
    await window.composer.fill("a draft")
    await window.message("once").hover()
    await window.get("[data-message-tools] [data-deed=edit]").click()
    await window.composer.fill("once and")
    await window.get(f'[data-room="{other}"] a').click()
    await expect(window.composer).to_have_value("")
    await expect(window.get("[data-part=context]")).to_be_hidden()
    await window.page.go_back()
    await expect(window.composer).to_have_value("once and")
    await expect(window.get("[data-part=context]")).to_contain_text("Editing your message")
    await expect(window.message("once")).to_have_class(re.compile("message--changing"))
    await window.say("once and for all")
    await expect(window.message("once and for all")).to_contain_text("(edited)")
    await expect(window.composer).to_have_value("a draft")


async def test_a_message_with_nothing_left_of_it_is_one_to_delete(
    windows: Windows, alice: Person
) -> None:
    window = await windows.of(alice, room=await alice.channel())
    await window.say("never mind")
    await expect(window.get(".message--pending")).to_have_count(0)
    await window.composer.press("ArrowUp")
    await window.say("")
    dialog = window.get("[data-dialog=delete]")
    await expect(dialog).to_contain_text("never mind")
    await dialog.get_by_role("button", name="Delete").click()
    await window.sees("This message was deleted.")


async def test_the_enter_that_ends_a_word_of_an_input_method_sends_nothing(
    windows: Windows, alice: Person
) -> None:
    window = await windows.of(alice, room=await alice.channel())
    await window.composer.fill("にほ")
    await window.script(ENDS_A_WORD)
    await window.composer.press_sequentially("んご")
    await window.composer.press("Enter")
    await window.sees("にほんご")
    await expect(window.messages).to_have_count(1)


async def test_a_box_that_closes_on_a_half_written_text_says_why_and_until_when(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    window = await windows.of(bob, at=1, room=room)
    await window.composer.fill("what I always wanted to")
    until = times.to_wire(times.utc_now() + timedelta(days=1))
    await alice.rest.patch(f"/rooms/{room}/members/{bob.user['id']}", mute_until=until)
    await expect(window.composer).to_be_disabled()
    await expect(window.get("[data-part=gate]")).to_contain_text(
        re.compile(r"You are muted here until \S+( [AP]M)? on \w+day ")
    )
    await window.until(SHOWS_WHY)
