"""What moderators do to people from the panel in Chromium, and how they take it back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from chat.client import Refused, uuid7
from tests.browser import Window, Windows
from tests.cluster import Person

TWO_HOURS_BEHIND = "const now = Date.now; Date.now = () => now() - 7200000;"


async def with_panel(windows: Windows, person: Person, room: str) -> Window:
    window = await windows.of(person, room=room)
    await window.page.add_init_script(TWO_HOURS_BEHIND)
    await window.page.reload()
    await window.live()
    window.page.on("dialog", lambda dialog: dialog.accept())
    await window.get("[data-action=panel]").click()
    return window


async def menu_of(window: Window, person: Person) -> Locator:
    await window.get(f'[data-part=people] [data-user="{person.id}"]').click()
    menu = window.get("[data-member-menu]")
    await expect(menu).to_be_visible()
    return menu


async def bans(person: Person, room: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.rest.get(f"/rooms/{room}/bans"))["results"]
    return found


async def test_the_menu_of_a_member_says_who_they_are(
    windows: Windows, alice: Person, bob: Person, charlie: Person
) -> None:
    room = await alice.channel(bob, charlie)
    await bob.rest.patch("/me", status_text="Back on Monday")
    window = await with_panel(windows, alice, room)
    menu = await menu_of(window, bob)
    await expect(menu.locator("[data-part=username]")).to_have_text(f"@{bob.username}")
    await expect(menu.locator("[data-part=status]")).to_have_text("Back on Monday")
    await window.page.keyboard.press("Escape")
    menu = await menu_of(window, charlie)
    await expect(menu.locator("[data-part=username]")).to_have_text(f"@{charlie.username}")
    await expect(menu.locator("[data-part=status]")).to_be_hidden()


async def test_a_ban_ends_when_it_was_said_to_and_can_be_taken_back_before(
    windows: Windows, alice: Person, bob: Person, charlie: Person
) -> None:
    room = await alice.channel(bob, charlie)
    window = await with_panel(windows, alice, room)
    menu = await menu_of(window, bob)
    await menu.get_by_role("menuitem", name="Ban for a day").click()
    await expect(window.get(".person")).to_have_count(2)
    [ban] = await bans(alice, room)
    left = datetime.fromisoformat(ban["until"]) - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(days=1)  # not by this window's clock
    menu = await menu_of(window, charlie)
    await menu.get_by_role("menuitem", name="Ban for good").click()
    await expect(window.get(".person")).to_have_count(1)

    await window.get("[data-open=moderation]").click()
    cases = window.get("[data-part=bans] .case")
    await expect(cases).to_have_count(2)
    forever, passing = (cases.filter(has_text=f"@{person.username}") for person in (charlie, bob))
    await expect(forever).to_contain_text("For good")
    await expect(passing).to_contain_text("Until")
    await passing.get_by_role("button").press("Enter")
    await expect(cases).to_have_count(1)
    await expect(forever.get_by_role("button")).to_be_focused()
    assert [ban["user"]["id"] for ban in await bans(alice, room)] == [charlie.id]
    await bob.rest.post(f"/rooms/{room}/join")
    await forever.get_by_role("button").press("Enter")
    await expect(window.get("[data-part=no-bans]")).to_be_visible()
    await expect(window.get("#dialog-moderation")).to_be_focused()


async def test_a_held_message_is_let_in_or_rejected_in_the_chat(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    await alice.rest.patch(f"/rooms/{room}", rules=[{"pattern": "prize", "does": "hold"}])
    for text in ("a prize for the cake", "prize, prize!"):
        with pytest.raises(Refused) as found:
            await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text=text)
        assert found.value.reason == "held"
    window = await with_panel(windows, alice, room)
    await window.get("[data-open=moderation]").click()
    held = window.get("[data-part=held] .case")
    await expect(held).to_have_count(2)
    await held.filter(has_text="cake").get_by_role("button", name="Let it in").click()
    await expect(held).to_have_count(1)
    await held.get_by_role("button", name="Reject").click()
    await expect(window.get("[data-part=no-held]")).to_be_visible()
    await window.page.keyboard.press("Escape")
    await window.sees("a prize for the cake")
    await window.sees("prize, prize!", times=0)


async def test_who_does_not_moderate_is_offered_none_of_it(
    windows: Windows, alice: Person, bob: Person, charlie: Person
) -> None:
    room = await alice.channel(bob, charlie)
    window = await with_panel(windows, bob, room)
    await expect(window.get("[data-open=moderation]")).to_be_hidden()
    menu = await menu_of(window, charlie)
    await expect(menu.get_by_role("menuitem")).to_have_count(1)  # to write to them
