"""Changes of the open room in Chromium: what one does is done to the room that it was meant for."""

from playwright.async_api import Page, expect

from tests import browser
from tests.browser import Windows
from tests.cluster import Person

DIALOG = """
  document.body.innerHTML = `<dialog data-dialog="${given.name}">${given.html}</dialog>`;
  const { Dialogs } = await import("/js/dialogs.js");
  const dialogs = new Dialogs().connect();
  const room = (id, more = {}) => ({ id, kind: "channel", name: id, topic: "", people: [],
    posting: "everyone", slow_mode_s: 0, edit_window_s: 0, archived_at: null, role: "owner",
    ...more });
  const asked = [];
  const api = {
    post: async (path, body) => asked.push([path, body]),
    patch: async (path, body) => asked.push([path, body]),
    get: async () => ({ results: [{ id: "u", username: "bob", display_name: "Bob" }] }),
  };
  let open = room("A");
  const openRoom = () => open;
  const settled = () => new Promise((done) => setTimeout(done, 0));
"""
"""A dialog, and the room `open` beneath it."""


async def test_leaving_means_the_room_that_one_was_asked_about(modules: Page) -> None:
    told = await browser.in_module(
        modules,
        "room_dialogs",
        DIALOG
        + """connectLeave({ api, dialogs }, { openRoom, left: (id) => asked.push(id) });
        dialogs.open("leave");
        open = room("B");
        document.querySelector("[data-action]").click();
        await settled();
        return asked;""",
        exports="{ connectLeave }",
        given={
            "name": "leave",
            "html": "<b data-part=title></b><p data-part=warning></p><p data-part=errors></p>"
            "<button data-action=leave-room></button>",
        },
    )
    assert told == [["/rooms/A/leave", None], "A"]


async def test_settings_are_compared_with_what_the_form_was_filled_with(modules: Page) -> None:
    told = await browser.in_module(
        modules,
        "room_settings",
        DIALOG
        + """connectSettings({ api, dialogs }, { openRoom, changed: () => {} });
        dialogs.open("settings");
        open = room("A", { topic: "set by another" });
        document.querySelector("[name=slow_mode_s]").value = "30";
        document.querySelector("form").requestSubmit();
        await settled();
        dialogs.open("settings");
        open = room("B");
        document.querySelector("[name=topic]").value = "tea";
        document.querySelector("form").requestSubmit();
        await settled();
        return asked;""",
        exports="{ connectSettings }",
        given={
            "name": "settings",
            "html": "<form method=dialog><p data-part=errors></p><input name=name>"
            "<input name=topic><input name=posting>"
            "<select name=slow_mode_s><option>0<option>30</select>"
            "<select name=edit_window_s><option>0</select>"
            "<label><input type=checkbox name=archived></label></form>",
        },
    )
    assert told == [["/rooms/A", {"slow_mode_s": 30}], ["/rooms/A", {"topic": "tea"}]]


async def test_people_are_added_to_the_room_that_it_was_opened_for(modules: Page) -> None:
    told = await browser.in_module(
        modules,
        "invite_dialog",
        DIALOG
        + """const me = { id: "me" };
        const isAsked = new Promise((added) =>
          connectInvite({ api, dialogs, me }, { openRoom, added }));
        dialogs.open("invite");
        open = room("B");
        const enter = new KeyboardEvent("keydown", { key: "Enter" });
        document.querySelector("input").dispatchEvent(enter);
        await isAsked;
        return asked;""",
        exports="{ connectInvite }",
        given={
            "name": "invite",
            "html": "<input data-part=q><ul id=found data-part=results></ul><p data-part=note></p>",
        },
    )
    assert told == [["/rooms/A/members", {"user_ids": ["u"]}]]


async def test_a_dialog_goes_with_its_room(windows: Windows, alice: Person) -> None:
    one, other = await alice.channel(), await alice.channel()
    window = await windows.of(alice, room=one)
    await window.get(f'[data-room="{other}"] a').click()
    await window.get("[data-action=panel]").click()
    await window.get("[data-open=settings]").click()
    settings = window.get("[data-dialog=settings]")
    await expect(settings).to_be_visible()
    await window.page.go_back()
    await expect(settings).to_be_hidden()


async def test_whoever_is_removed_while_typing_says_the_rest_in_no_other_room(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room, other = await alice.channel(bob), await alice.channel(bob)
    name = (await alice.rest.get(f"/rooms/{room}"))["name"]
    window = await windows.of(bob, at=1, room=room)
    await window.composer.press_sequentially("not for")
    await alice.rest.delete(f"/rooms/{room}/members/{bob.id}")
    await expect(window.get(".welcome")).to_contain_text(f"You are no longer in {name}.")
    await window.page.keyboard.type(" the others")
    await window.page.keyboard.press("Enter")
    await expect(window.composer).to_be_hidden()
    await window.get(f'[data-room="{other}"] a').click()
    await expect(window.composer).to_be_focused()
    await expect(window.composer).to_have_value("")
    await window.say("here I am")
    await window.sees("here I am")
    await expect(window.messages).to_have_count(1)


async def test_the_people_of_one_room_are_not_listed_beside_another(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room, other = await alice.channel(bob), await alice.channel()
    window = await windows.of(alice, room=room, forgiven=("ERR_FAILED",))
    await window.get("[data-action=panel]").click()
    await expect(window.get(".person")).to_have_count(2)
    await window.page.route(f"**/rooms/{other}/members*", lambda route: route.abort())
    await window.get(f'[data-room="{other}"] a').click()
    await expect(window.get("[data-panel] [data-part=error]")).not_to_be_empty()
    await expect(window.get(".person")).to_have_count(0)
