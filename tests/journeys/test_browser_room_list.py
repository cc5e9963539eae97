"""The list of rooms in Chromium: what calls, what is in sight, what it costs."""

import re

from playwright.async_api import Page, Route, expect

from chat import pages
from tests import browser
from tests.browser import Windows
from tests.cluster import Person
from tests.journeys.test_browser_modules import run

LIST = """
  document.body.innerHTML = `<div id=lists style="block-size: 60px; overflow: auto">${
    ["channels", "direct"].map((name) =>
      `<section data-section=${name}><ul data-list></ul><p data-none></p></section>`).join("")
  }</div><template><li style="block-size: 20px"><a><span data-part=glyph></span>${
    ["name", "presence", "pinned", "unread", "unread-count", "failed", "badge", "badge-count"]
      .map((part) => `<span data-part=${part}></span>`).join("")
  }</a></li></template>`;
  const { Rooms } = await import("/js/rooms.js");
  const { Presence } = await import("/js/presence.js");
  const presence = new Presence({ watch: async () => ({ users: {} }), onChange: () => {} });
  const lists = document.getElementById("lists");
  const view = new RoomListView(lists, document.querySelector("template"), presence);
  const rooms = new Rooms("me", () => {}), failed = new Set();
  const show = (open) => view.render(rooms, open, (id) => failed.has(id));
  const room = (id, kind = "channel", more = {}) => ({ id, kind, name: id, notify: "all",
    unread: 0, mentions: 0, pinned: false, head_n: 0, read_n: 0, last_message: null, ...more });
"""
"""The list without a page around it, of which three rows are in sight."""


async def test_rooms_count_what_is_unread_once(modules: Page) -> None:
    told = await run(
        modules,
        "rooms",
        """const rooms = new Rooms(me.id, () => {});
        const room = { id: "r", kind: "channel", name: "r", topic: "", head_seq: 3, head_n: 3,
          read_n: 3, unread: 0, mentions: 0, last_message: null, role: "member", members_count: 2,
          people: [], archived_at: null };
        rooms.replace([room]);
        const said = () => [rooms.get("r").unread, rooms.get("r").mentions, rooms.waiting.forMe];
        rooms.received(message(4, { sender: me }));
        const own = said();
        rooms.received(message(5));
        rooms.received(message(6, { mentions: [me.id] }));
        rooms.received(message(6, { mentions: [me.id] }));
        const others = said();
        rooms.read("r", 6);
        return [own, others, said()];""",
        exports="{ Rooms }",
    )
    assert told == [[0, 0, 0], [2, 1, 1], [0, 0, 0]]


async def test_rooms_count_who_comes_and_goes_once(modules: Page) -> None:
    told = await run(
        modules,
        "rooms",
        """const rooms = new Rooms(me.id, () => {});
        rooms.replace([{ id: "r", head_seq: 7, members_count: 2 }]);
        return [[7, 1], [8, 1], [9, -1], [6, -1], [10, 1]].map(([seq, by]) => {
          rooms.counted({ type: "", room: "r", seq, data: {} }, by);
          return rooms.get("r").members_count;
        });""",
        exports="{ Rooms }",
    )
    assert told == [2, 3, 2, 2, 3]


async def test_both_sides_are_called_by_the_same_rooms(modules: Page) -> None:
    rooms = [
        {"id": "r", "name": "r", "kind": kind, "notify": notify, "pinned": False, **counts}
        for kind in ("channel", "direct")
        for notify in ("all", "mentions", "none")
        for counts in (
            {"unread": 0, "mentions": 0}, {"unread": 2, "mentions": 0}, {"unread": 2, "mentions": 1}
        )
    ]  # fmt: skip
    told = await run(
        modules,
        "rooms",
        "return given.map((room) => [isCalling(room), badgeOf(room)]);",
        exports="{ badgeOf, isCalling }",
        given=rooms,
    )
    shown = [pages.room_of(room) for room in rooms]
    assert told == [[room["is_calling"], int(room["badge"] or 0)] for room in shown]
    assert [is_calling for is_calling, _ in told] == [
        *(False, True, True, False, False, True, False, False, False),
        *(False, True, True, False, True, True, False, False, False),
    ]


async def test_a_row_is_written_again_only_when_its_room_changed(modules: Page) -> None:
    told = await browser.in_module(
        modules,
        "room_list_view",
        LIST
        + """rooms.replace(Array.from({ length: 200 }, (_, at) => room(`r${100 + at}`)));
        show("r100");
        const changes = new MutationObserver(() => {});
        changes.observe(lists, { subtree: true, childList: true, attributes: true });
        const rows = () => new Set(changes.takeRecords()
          .map(({ target }) => target.closest("[data-room]")?.dataset.room ?? "the list"));
        show("r100");
        const told = [[...rows()]];
        rooms.change("r150", { unread: 1 });
        show("r100");
        told.push([...rows()]);
        show("r101");
        told.push([...rows()]);
        failed.add("r160");
        show("r101");
        told.push([...rows()], lists.querySelectorAll("[data-part=failed]:not([hidden])").length);
        return told;""",
        exports="{ RoomListView }",
    )
    assert told.pop() == 1
    assert [[row for row in rows if row != "the list"] for rows in told] == [
        [],
        ["r150"],
        ["r100", "r101"],
        ["r160"],
    ]


async def test_the_open_room_is_in_sight_and_a_row_that_moves_keeps_the_focus(
    modules: Page,
) -> None:
    told = await browser.in_module(
        modules,
        "room_list_view",
        LIST
        + """const many = Array.from({ length: 20 }, (_, at) => room(`r${10 + at}`));
        const said = (at) => ({ last_message: { at: `2026-11-2${at}T10:00:00.000Z` } });
        rooms.replace([...many, room("d1", "direct", said(2)), room("d2", "direct", said(1))]);
        const inSight = () => {
          const { top, bottom } = lists.getBoundingClientRect();
          return [...lists.querySelectorAll("li")].filter((row) => {
            const at = row.getBoundingClientRect();
            return at.top >= top - 1 && at.bottom <= bottom + 1;
          }).map((row) => row.dataset.room);
        };
        const told = [];
        for (const open of ["r25", "r26", "r10"]) {
          show(open);
          told.push(inSight().includes(open));
        }
        lists.scrollTop = 200;
        show("r10");
        told.push(lists.scrollTop);
        const link = lists.querySelector("[data-room=d2] a");
        link.focus();
        rooms.change("d2", said(3));
        show("r10");
        const direct = [...lists.querySelectorAll("[data-section=direct] li")]
          .map((row) => row.dataset.room);
        return [...told, direct, document.activeElement === link];""",
        exports="{ RoomListView }",
    )
    assert told == [True, True, True, 200, ["d2", "d1"], True]


async def test_a_room_calls_for_no_more_than_one_wants_to_be_called_for(
    windows: Windows, alice: Person, bob: Person
) -> None:
    quiet, mentions = await alice.channel(bob), await alice.channel(bob)
    await bob.rest.patch(f"/rooms/{quiet}/me", notify="none")
    await bob.rest.patch(f"/rooms/{mentions}/me", notify="mentions")
    own = await bob.channel()
    his = await windows.of(bob, at=1, room=own)
    entry = his.get(f'[data-room="{mentions}"]')
    elsewhere = his.get("[data-elsewhere]")
    async with alice.chat() as hers:
        await hers.send(quiet, f"@{bob.username}")
        await hers.send(mentions, "to all")
        await expect(entry.locator("[data-part=unread-count]")).to_have_text("1")
        await expect(entry).not_to_have_class(re.compile("room-link--unread"))
        await expect(his.page).to_have_title(re.compile("^[^•(]"))
        await expect(elsewhere).to_have_attribute("hidden", "")
        await his.page.keyboard.press("Alt+Shift+ArrowDown")
        assert own in his.page.url
        await hers.send(mentions, f"to @{bob.username}")
    await expect(entry).to_have_class(re.compile("room-link--unread"))
    await expect(his.page).to_have_title(re.compile(r"^\(1\) "))
    await expect(elsewhere).not_to_have_attribute("hidden", "")
    await his.page.keyboard.press("Alt+Shift+ArrowDown")
    await expect(his.page).to_have_url(re.compile(mentions))


async def test_channels_past_the_first_page_can_be_browsed(modules: Page) -> None:
    told = await browser.in_module(
        modules,
        "room_dialogs",
        """document.body.innerHTML = `<dialog data-dialog=browse><input data-part=q>
          <ul data-part=results></ul><button data-part=more></button><p data-part=note></p>`;
        const { Dialogs } = await import("/js/dialogs.js");
        const dialogs = new Dialogs().connect();
        const asked = [];
        const found = {
          "": { results: [], next_cursor: "b" },
          b: { results: [{ id: "r", kind: "channel", name: "b" }], next_cursor: null },
        };
        const api = { get: async (path, query) => (asked.push(query), found[query.cursor]) };
        connectBrowse({ api, dialogs });
        const settled = () => new Promise((done) => setTimeout(done, 0));
        const more = document.querySelector("[data-part=more]");
        const note = document.querySelector("[data-part=note]");
        dialogs.open("browse");
        await settled();
        const told = [more.hidden, note.textContent];
        more.click();
        await settled();
        const rows = document.querySelectorAll("li").length;
        return [...told, more.hidden, rows, document.activeElement.textContent, asked];""",
        exports="{ connectBrowse }",
    )
    assert told == [
        *(False, "", True, 1, "Join"),
        [{"q": "", "cursor": ""}, {"q": "", "cursor": "b"}],
    ]


async def test_a_link_in_a_message_leaves_the_chat_open(windows: Windows, alice: Person) -> None:
    room = await alice.channel()
    window = await windows.of(alice, room=room)

    async def answer(route: Route) -> None:
        await route.fulfill(body="elsewhere")

    await window.page.context.route("https://example.org/**", answer)
    await window.say("https://example.org/tea")
    async with window.page.expect_popup() as opened:
        await window.message("example.org").get_by_role("link", name="example.org").click()
    await expect((await opened.value).locator("body")).to_have_text("elsewhere")
    await expect(window.page).to_have_url(re.compile(room))


async def test_a_direct_message_that_cannot_be_opened_says_so(
    windows: Windows, alice: Person, bob: Person
) -> None:
    window = await windows.of(alice, room=await alice.channel(bob), forgiven=("ERR_FAILED",))
    await window.page.route("**/api/v1/dms", lambda route: route.abort())
    await window.get("[data-action=panel]").click()
    await window.get(".person").filter(has_text=str(bob.user["display_name"])).click()
    await window.get("[data-member-menu] [data-deed=write]").click()
    await expect(window.get("[data-toast]")).to_contain_text("The server cannot be reached.")
