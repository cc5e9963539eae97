"""What owners set for a room in Chromium, and what the others feel of it at once."""

import re

from playwright.async_api import expect

from tests.browser import Windows
from tests.cluster import Person


async def test_an_owner_sets_the_rules_and_the_box_of_a_member_follows(
    windows: Windows, alice: Person, bob: Person, charlie: Person
) -> None:
    room = await alice.channel(bob)
    hers = await windows.of(alice, at=0, room=room)
    his = await windows.of(bob, at=1, room=room)
    settings = hers.get("[data-dialog=settings]")
    await hers.get("[data-action=panel]").click()

    async def set_rule(field: str, value: str) -> None:
        await hers.get("[data-open=settings]").click()
        await hers.page.select_option(f"[data-dialog=settings] [name={field}]", value)
        await settings.get_by_role("button", name="Save").click()
        await expect(settings).to_be_hidden()

    await set_rule("slow_mode_s", "3600")
    await his.say("one")
    await hers.sees("one")
    wait = his.get("[data-part=wait]")
    await expect(wait).not_to_be_empty()
    await his.say("two")
    await expect(his.get("[data-part=gate]")).to_contain_text("Slow mode")
    await expect(his.composer).to_have_value("two")
    await his.page.reload()  # it goes on counting
    await his.live()
    await expect(wait).not_to_be_empty()
    await hers.say("owners need not wait")
    await hers.say("and neither here")
    await his.sees("and neither here")
    await expect(hers.get("[data-part=wait]")).to_be_empty()

    await set_rule("slow_mode_s", "0")
    await expect(wait).to_be_empty()
    await his.composer.press("Enter")
    await hers.sees("two")

    await set_rule("posting", "moderators")
    await expect(his.composer).to_be_disabled()
    said = "Only moderators write in this room."
    await expect(his.composer).to_have_attribute("placeholder", said)
    menu = hers.get("[data-member-menu]")
    his_name = str(bob.user["display_name"])
    person = hers.get(".person").filter(has_text=his_name)
    await person.click()
    await menu.get_by_role("menuitemradio", name="Moderator").click()
    await expect(his.composer).to_be_enabled()
    await expect(person).to_contain_text("moderator")

    await person.click()
    await menu.get_by_role("menuitem", name="Mute for an hour").click()
    await expect(his.composer).to_have_attribute(
        "placeholder", re.compile("You are muted here until")
    )
    await expect(person).to_contain_text("muted until")

    await hers.get("[data-open=invite]").click()
    await hers.page.fill("[data-dialog=invite] [data-part=q]", charlie.username)
    await expect(hers.get("[data-dialog=invite] [role=option]")).to_have_count(1)
    await hers.page.keyboard.press("Enter")
    await expect(hers.get(".person")).to_have_count(3)

    hers.page.on("dialog", lambda dialog: dialog.accept())
    await person.click()
    await menu.get_by_role("menuitem", name="Remove from this room").click()
    await expect(his.get(f'[data-room="{room}"]')).to_have_count(0)

    other = await alice.channel()
    await expect(hers.get("[data-room]")).to_have_count(2)
    await hers.get("[data-panel] [name=pinned]").check()
    entries = hers.get("[data-section=channels] [data-room]")
    await expect(entries.first).to_have_attribute("data-room", room)
    await expect(entries.last).to_have_attribute("data-room", other)
    await expect(entries.first.locator("[data-part=pinned]")).to_be_visible()
    async with hers.page.expect_response(f"**/rooms/{room}/me"):  # else a reload breaks it off
        await hers.get("[data-panel] [name=notify]").select_option("none")
    await hers.page.reload()
    await hers.live()
    await hers.get("[data-action=panel]").click()
    await expect(hers.get("[data-panel] [name=notify]")).to_have_value("none")
    await expect(hers.get("[data-panel] [name=pinned]")).to_be_checked()


async def test_the_other_one_in_a_direct_room_is_seen_coming_and_going(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = str((await alice.rest.post("/dms", user_ids=[bob.user["id"]]))["id"])
    hers = await windows.of(alice, at=0, room=room)
    status = hers.get(".room-head__topic")
    await expect(status).to_have_text("offline")
    his = await windows.of(bob, at=1, room=room)
    await expect(status).to_have_text("online")
    entry = hers.get(f'[data-room="{room}"]')
    await expect(entry).to_contain_text(f"{bob.user['display_name']}, online")
    await expect(entry.locator(".avatar")).to_have_attribute("data-presence", "online")
    await hers.say("are you reading this?")
    await his.sees("are you reading this?")
    await expect(hers.get("[data-seen]")).to_have_text("Seen")

    own = his.get("[data-own-presence]")
    for state, seen_as in (("Away", "away"), ("Invisible", "offline"), ("Online", "online")):
        await own.click()
        await his.page.get_by_role("menuitemradio", name=state).click()
        await expect(own).to_contain_text(state)
        await expect(status).to_contain_text(seen_as)
    await own.click()
    await his.page.get_by_role("menuitemradio", name="Invisible").click()
    beside = await windows.beside(his)
    await beside.open(room)
    await expect(beside.get("[data-own-presence]")).to_contain_text("Invisible")
    await own.click()
    await his.page.get_by_role("menuitemradio", name="Online").click()
    await expect(beside.get("[data-own-presence]")).to_contain_text("Online")
    await expect(status).to_have_text("online")  # or one window would hide all of them
    await beside.page.close()
    await own.click()
    await his.page.get_by_role("menuitemradio", name="Away").click()
    await his.page.reload()  # it is remembered
    await his.live()
    await expect(own).to_contain_text("Away")
    await expect(status).to_have_text("away")
    await his.page.close()
    await expect(status).to_have_text("offline")
    await hers.page.reload()  # the server knows when he went
    await expect(status).to_have_text("here a moment ago")
