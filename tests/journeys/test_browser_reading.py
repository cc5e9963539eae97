"""Reading in Chromium: what one reads stays where it is, and is found again."""

import asyncio
import re
import time
from typing import Any

from playwright.async_api import Route, expect

from chat.client import uuid7
from chatsite import times
from tests.browser import WITHIN_MS, Window, Windows
from tests.cluster import Person

PLACE = """() => {
  const box = document.querySelector("[data-scroller]");
  const top = box.getBoundingClientRect().top;
  const row = [...document.querySelectorAll("[data-log] .message")]
    .find((row) => row.getBoundingClientRect().bottom > top + 40);
  return { text: row.innerText, offset: row.getBoundingClientRect().top - top };
}"""
IS_AT = f"""(place) => {{
  const {{ text, offset }} = ({PLACE})();
  return text === place.text && offset === place.offset;
}}"""
NUMBERS = '() => [...document.querySelectorAll("[data-log] .message")].map((row) => +row.dataset.n)'
AT_THE_END = """() => {
  const box = document.querySelector("[data-scroller]");
  return box.scrollHeight - box.clientHeight - box.scrollTop < 2;
}"""
SHOWN = """() => [...document.querySelectorAll("[data-log] > *")].map((row) => ({
  key: row.dataset.row,
  classes: row.className,
  text: row.innerText,
  links: [...row.querySelectorAll("a")].map((link) => link.href),
  time: row.querySelector("time")?.dateTime ?? "",
  hue: row.querySelector(".avatar")?.dataset.hue ?? "",
}))"""


async def fill(person: Person, room: str, count: int, *, word: str = "line") -> None:
    """Say many lines, in order."""
    async with person.chat() as chat:
        for number in range(1, count + 1):
            await chat.send(room, f"{word} {number}.")


async def place(window: Window) -> dict[str, Any]:
    """The line at the top of what is seen, and where it stands."""
    found = await window.script(PLACE)
    assert isinstance(found, dict)
    return found


async def test_older_pages_come_above_without_moving_what_is_read(
    windows: Windows, alice: Person
) -> None:
    room = await alice.channel()
    await fill(alice, room, 180)
    window = await windows.of(alice, room=room)
    await window.sees("line 180.")
    await window.until(AT_THE_END)

    asked: asyncio.Queue[Route] = asyncio.Queue()
    await window.page.route("**/messages?*before_n=*", asked.put)
    while (shown := await window.script(NUMBERS))[0] != 1:
        while asked.empty():
            await window.scroll(by=-400)
        seen = await place(window)
        await (await asked.get()).continue_()
        await expect(window.messages).not_to_have_count(len(shown))
        after = await place(window)
        assert after["text"] == seen["text"]
        assert abs(after["offset"] - seen["offset"]) < 2
    assert await window.script(NUMBERS) == list(range(1, 181))
    await expect(window.get("[data-start]")).to_contain_text("begins")


async def test_new_messages_wait_below_behind_a_pill(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    await fill(alice, room, 60)
    window = await windows.of(bob, at=1, room=room)
    await window.page.keyboard.press("Escape")
    await window.sees("line 60.")
    await window.scroll(by=-600)
    before = await place(window)
    await fill(alice, room, 3, word="late")
    pill = window.get("[data-pill=down]")
    await expect(pill).to_have_text("3 new")
    assert await place(window) == before
    await pill.click()
    await window.sees("late 3.")
    await expect(pill).to_be_hidden()
    await window.until(AT_THE_END)
    await expect(window.get(".new-line + .message")).to_contain_text("late 1.")


async def test_at_the_bottom_the_newest_stays_in_sight(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    await fill(alice, room, 40)
    window = await windows.of(bob, at=1, room=room)
    await window.page.keyboard.press("Escape")
    await fill(alice, room, 5, word="late")
    await window.sees("late 5.")
    await window.until(AT_THE_END)
    await window.composer.fill("a\nb\nc\nd\ne")  # the box grows, the conversation shrinks
    await expect(window.message("late 5.")).to_be_in_viewport()
    await window.until(AT_THE_END)


async def test_what_is_read_stays_in_sight_when_the_width_changes(
    windows: Windows, alice: Person
) -> None:
    room = await alice.channel()
    await fill(
        alice, room, 45, word="many words that need more lines where there is less room " * 3
    )
    window = await windows.of(alice, room=room)
    await window.until(AT_THE_END)
    await window.scroll(by=-1_500)
    before = await place(window)
    await window.page.set_viewport_size({"width": 500, "height": 800})
    await window.until("(width) => document.querySelector('[data-log]').clientWidth <= width", 500)
    number = before["text"].split()[-1].rstrip(".")
    await expect(window.get(f'[data-log] [data-n="{number}"]')).to_be_in_viewport()


async def test_reading_goes_on_where_it_stopped(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    await fill(alice, room, 10)
    window = await windows.of(bob, at=1)
    deadline = time.monotonic() + WITHIN_MS / 1_000
    while (await bob.rest.get(f"/rooms/{room}"))["read_n"] < 10:  # or its mark comes after ours
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    await window.page.goto("/rooms/browse/")  # nothing is read from here
    await bob.rest.put(f"/rooms/{room}/read", n=6, force=True)
    await window.open(room)
    await expect(window.get(".new-line + .message")).to_contain_text("line 7.")

    await window.page.goto("/rooms/browse/")
    await fill(alice, room, 120, word="more")
    await bob.rest.put(f"/rooms/{room}/read", n=12, force=True)
    await window.open(room)
    pill = window.get("[data-pill=up]")
    await expect(pill).to_have_text("118 unread")
    await pill.click()
    await expect(window.get(".new-line + .message")).to_contain_text("more 3.")
    await expect(window.get(".new-line")).to_be_in_viewport()


async def test_what_is_marked_as_unread_stays_so_though_its_end_is_in_sight(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room, other = await alice.channel(bob), await bob.channel()
    await fill(alice, room, 5)
    window = await windows.of(bob, at=1, room=room)
    entry = window.get(f'[data-room="{room}"]')
    count = entry.locator("[data-part=unread-count]")
    await expect(entry).not_to_have_class(re.compile("unread"))
    await window.message("line 4.").hover()
    await window.get("[data-more]").click()
    await window.get("[data-message-menu] [data-deed=unread]").click()
    await expect(window.get(".new-line + .message")).to_contain_text("line 4.")
    await expect(count).to_have_text("2")
    await fill(alice, room, 1, word="late")
    await window.sees("late 1.")
    await expect(count).to_have_text("3")

    await window.get(f'[data-room="{other}"] a').click()
    await expect(window.page).to_have_url(re.compile(other))
    await window.page.reload()  # the server knows it too
    await window.live()
    await expect(count).to_have_text("3")
    await entry.locator("a").click()
    await expect(window.get(".new-line + .message")).to_contain_text("line 4.")
    await expect(entry).not_to_have_class(re.compile("unread"))


async def test_place_and_draft_stay_with_their_room(
    windows: Windows, alice: Person, bob: Person
) -> None:
    one = await alice.channel(bob)
    other = await alice.channel()
    await fill(alice, one, 90)
    window = await windows.of(alice, room=one)
    await window.scroll(by=-900)
    before = await place(window)
    await window.composer.fill("half a thou")
    await window.get(f'[data-room="{other}"] a').click()
    await expect(window.page).to_have_url(re.compile(other))
    await expect(window.composer).to_have_value("")
    async with bob.chat() as his:
        await his.send(one, "meanwhile")
    await expect(window.get(f'[data-room="{one}"] [data-part=unread-count]')).to_have_text("1")
    await window.page.go_back()
    await expect(window.composer).to_have_value("half a thou")
    await window.until(IS_AT, before)
    await expect(window.get("[data-pill=down]")).to_have_text("1 new")
    await window.page.reload()
    await expect(window.composer).to_have_value("half a thou")


def midday_zone() -> str:
    """A time zone in which no day is about to end: both sides have to call today by one name."""
    return f"Etc/GMT{times.utc_now().hour - 12:+}"


async def test_server_and_browser_make_one_room_of_the_same_rows(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room, elsewhere = await alice.channel(bob), await alice.channel()
    asked = await alice.rest.post(
        f"/rooms/{room}/messages", id=uuid7(), text="*tea*, @" + bob.username
    )
    for person, text in (
        (alice, "one more\n\n- a\n- b"),
        (bob, "`yes`"),
        (bob, "https://example.org"),
    ):
        await person.rest.post(f"/rooms/{room}/messages", id=uuid7(), text=text)
    await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="so", reply_to=asked["id"])
    await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="<b>&amp;</b> 🎉 \u202eabc")
    gone = await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="gone")
    await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="why?", reply_to=gone["id"])
    await bob.rest.delete(f"/rooms/{room}/messages/{gone['id']}")

    zone: dict[str, Any] = {"timezone_id": midday_zone(), "locale": "en-GB"}
    scripted = await windows.of(alice, room=elsewhere, **zone)
    await scripted.get(f'[data-room="{elsewhere}"] a').click()
    await scripted.page.reload()  # nothing is remembered of the room that is not open
    await scripted.live()
    await alice.rest.put(f"/rooms/{room}/read", n=0, force=True)
    entry = scripted.get(f'[data-room="{room}"]')
    await expect(entry.locator("[data-part=unread-count]")).to_have_text("8")

    unscripted = await windows.of_unscripted(alice, **zone)
    url = unscripted.page.url
    await unscripted.page.context.add_cookies(
        [{"name": "parley_tz", "value": zone["timezone_id"], "url": url}]
    )
    await unscripted.page.goto(f"/rooms/{room}/")
    by_server = await unscripted.script(SHOWN)
    await entry.locator("a").click()
    await scripted.sees("why?")
    by_browser = await scripted.script(SHOWN)
    assert len(by_server) == 10  # eight messages, a day, the line
    assert [row["key"] for row in by_browser] == [row["key"] for row in by_server]
    assert by_browser == by_server


async def test_a_link_to_a_message_shows_it_far_back(windows: Windows, alice: Person) -> None:
    room = await alice.channel()
    await fill(alice, room, 130)
    window = await windows.of(alice, room=room)
    await window.page.goto(f"/rooms/{room}/?n=20")
    await expect(window.message("line 20.")).to_be_in_viewport()
    await window.live()
    await window.page.keyboard.press("Escape")
    await expect(window.message("line 130.")).to_be_in_viewport()


async def test_everything_needed_works_without_scripts(
    windows: Windows, alice: Person, bob: Person
) -> None:
    name = f"quiet {alice.username}"
    hers = await windows.of_unscripted(alice)
    await hers.get(".welcome").get_by_role("link", name="New channel").click()
    await hers.page.fill("#create-name", name)
    await hers.page.get_by_role("button", name="Create").click()
    await hers.is_in(name)
    await hers.composer.fill("no scripts\nhere")
    await hers.page.get_by_role("button", name="Send").click()
    await hers.sees("no scripts")

    his = await windows.of_unscripted(bob, at=1)
    await his.get(".welcome").get_by_role("link", name="Browse channels").click()
    await his.page.fill("#q", name)
    await his.page.keyboard.press("Enter")
    await his.page.get_by_role("button", name=f"Join {name}").click()
    await his.sees("no scripts")
    await his.page.get_by_role("link", name="New direct message").click()
    await his.page.fill("#q", alice.username)
    await his.page.keyboard.press("Enter")
    await his.page.get_by_role("button", name="Message").click()
    await his.is_in(str(alice.user["display_name"]))
    token = await his.get("[data-composer] [name=csrfmiddlewaretoken]").get_attribute("value")
    refused = await his.page.request.post(
        f"{his.page.url}leave/",
        form={"csrfmiddlewaretoken": token or ""},
        headers={"Referer": his.page.url},
    )
    assert refused.status == 403
    assert "A direct conversation cannot be left." in await refused.text()
    await his.page.get_by_role("button", name="Sign out").click()
    await expect(his.page).to_have_url(re.compile("/accounts/login/"))
