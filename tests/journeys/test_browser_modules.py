"""The pure modules of the page, run in Chromium without a server."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from playwright.async_api import Page

from chat import pages
from tests import browser

PRELUDE = """
  const me = { id: "a".repeat(24), username: "alice", display_name: "Alice", avatar: "" };
  const bob = { id: "b".repeat(24), username: "bob", display_name: "Bob", avatar: "" };
  const at = (minute) => new Date(Date.UTC(2026, 10, 23, 12, minute)).toISOString();
  const message = (n, more = {}) => ({
    id: `m${n}`, room: "r", seq: n, n, at: at(n), sender: bob, text: `${n}`, html: `${n}`,
    reply_to: null, mentions: [], edited_at: null, deleted_at: null, reactions: [], pinned: false,
    ...more,
  });
  const page = (from, to, head = to) => ({
    results: Array.from({ length: to - from + 1 }, (_, i) => message(from + i)),
    head_n: head, head_seq: head, has_before: from > 1, has_after: to < head,
  });
  const unsent = (id, more = {}) => (
    { id, room: "r", text: id, at: at(59), state: "pending", reason: "", ...more });
"""


async def run(page: Page, module: str, code: str, *, exports: str = "", given: Any = None) -> Any:
    """What `code` returns, with the module's exports at hand."""
    names = exports or "{ Timeline }"
    return await browser.in_module(page, module, PRELUDE + code, exports=names, given=given)


async def timeline(page: Page, code: str) -> Any:
    """As `run`, with a timeline that holds messages 11 to 20, and `shown` for what it shows."""
    return await run(
        page,
        "timeline",
        """const timeline = new Timeline(me);
        timeline.reset(page(11, 20));
        const shown = () => timeline.rows().filter((row) => row.kind === "message")
          .map((row) => row.key);"""
        + code,
    )


# --- the timeline ---


async def test_a_timeline_takes_each_message_once_and_in_order(modules: Page) -> None:
    told = await timeline(
        modules,
        """const told = [21, 21, 15, 22].map((n) => timeline.receive(message(n)));
        return [told, shown().slice(-3), timeline.missing];""",
    )
    assert told == [["added", "known", "known", "added"], ["m20", "m21", "m22"], 0]


async def test_a_timeline_shows_nothing_past_a_gap(modules: Page) -> None:
    told = await timeline(
        modules,
        """const told = timeline.receive(message(23));
        const before = [shown().at(-1), timeline.missing];
        timeline.append(page(21, 23));
        return [told, before, shown().slice(-3), timeline.missing];""",
    )
    assert told == ["apart", ["m20", 3], ["m21", "m22", "m23"], 0]


async def test_a_timeline_leaves_out_a_page_that_does_not_join(modules: Page) -> None:
    told = await timeline(
        modules,
        """timeline.prepend(page(1, 5));
        timeline.append(page(30, 35));
        const apart = [timeline.firstN, timeline.lastN];
        timeline.prepend(page(1, 12));
        return [apart, timeline.firstN, timeline.size, timeline.hasBefore, shown().length];""",
    )
    assert told == [[11, 20], 1, 20, False, 20]


async def test_what_is_unsent_stands_last_until_the_log_has_it(modules: Page) -> None:
    told = await timeline(
        modules,
        """timeline.showUnsent([unsent("x"), unsent("y", { state: "failed" })]);
        const before = shown().slice(-3);
        timeline.receive(message(21, { id: "x", sender: me }));
        const after = timeline.rows().slice(-2).map((row) => [row.key, row.unsent?.state ?? ""]);
        timeline.receive(message(25));
        return [before, after, shown().at(-1)];""",
    )
    # Though newer messages are missing: what one wrote is never out of sight.
    assert told == [["m20", "x", "y"], [["x", ""], ["y", "failed"]], "y"]


async def test_a_message_that_came_before_its_page_is_not_lost(modules: Page) -> None:
    told = await run(
        modules,
        "timeline",
        """const timeline = new Timeline(me);
        const early = timeline.receive(message(22));
        timeline.reset(page(11, 20));
        return [early, timeline.missing];""",
    )
    assert told == ["apart", 2]


async def test_a_timeline_keeps_its_bound_at_the_end_that_is_not_read(modules: Page) -> None:
    told = await run(
        modules,
        "timeline",
        """const timeline = new Timeline(me);
        timeline.reset(page(1, STRETCH_MAX));
        timeline.receive(message(STRETCH_MAX + 1));
        timeline.trim("start");
        const atEnd = [timeline.size === STRETCH_MAX, timeline.firstN, timeline.hasBefore];
        timeline.prepend(page(1, 1));
        timeline.trim("end");
        return [atEnd, timeline.size === STRETCH_MAX, timeline.firstN, timeline.missing];""",
        exports="{ Timeline, STRETCH_MAX }",
    )
    assert told == [[True, 2, True], True, 1, 1]


async def test_the_new_line_stands_above_the_first_unread_of_somebody_else(modules: Page) -> None:
    told = await timeline(
        modules,
        """const place = () => {
          const rows = timeline.rows();
          const at = rows.findIndex((row) => row.kind === "new");
          return at < 0 ? "" : rows[at + 1].key;
        };
        const places = [place()];
        for (const after of [14, 20, 10, 5]) {
          timeline.lineAfterN = after;
          places.push(place());
        }
        timeline.lineAfterN = 20;
        timeline.receive(message(21, { sender: me }));
        timeline.receive(message(22));
        return [...places, place()];""",
    )
    assert told == ["", "m15", "", "m11", "", "m22"]


async def test_posts_are_grouped_and_days_divided_as_on_the_server(modules: Page) -> None:
    messages = [
        wire(1, "bob", "2026-11-22T23:55:00.000Z"),
        wire(2, "bob", "2026-11-22T23:59:59.999Z"),
        wire(3, "bob", "2026-11-23T00:00:01.000Z"),
        wire(4, "bob", "2026-11-23T00:05:00.999Z"),
        wire(5, "bob", "2026-11-23T00:05:01.000Z"),  # five minutes after the name
        wire(6, "alice", "2026-11-23T00:05:02.000Z"),
        wire(7, "alice", "2026-11-23T00:05:03.000Z"),
        wire(8, "alice", "2026-11-23T00:05:04.000Z", reply_to={"n": 1}),
        wire(9, "alice", "2026-11-23T00:05:05.000Z", deleted_at="2026-11-23T00:06:00.000Z"),
        wire(10, "alice", "2026-11-23T00:05:06.000Z"),
    ]
    by_server = [
        row["kind"] if row["kind"] != "message" else bool(row["follows"])
        for row in pages.rows_of(
            messages,
            me="a" * 24,
            read_n=4,
            href="/rooms/r/",
            zone=pages.zone_named("UTC"),
            today=date(2026, 11, 23),
        )
    ]
    by_browser = await run(
        modules,
        "timeline",
        """const timeline = new Timeline(me);
        timeline.reset(
          { results: given, head_n: 10, head_seq: 10, has_before: false, has_after: false });
        timeline.lineAfterN = 4;
        return timeline.rows().map((row) => row.kind === "message" ? row.follows : row.kind);""",
        given=messages,
    )
    assert by_browser == by_server
    assert by_server == [
        "day", False, True, "day", False, True, "new", False, False, True, False, True, False
    ]  # fmt: skip


def wire(n: int, name: str, at: str, **more: Any) -> dict[str, Any]:
    """A message as it comes over the wire."""
    sender = {"id": name[0] * 24, "username": name, "display_name": name, "avatar": ""}
    return {
        "id": f"m{n}", "room": "r", "seq": n, "n": n, "at": at, "sender": sender, "text": "",
        "html": "", "reply_to": None, "mentions": [], "edited_at": None, "deleted_at": None,
        "reactions": [], "pinned": False, **more,
    }  # fmt: skip


async def test_what_happens_to_a_message_shows_on_it(modules: Page) -> None:
    told = await run(
        modules,
        "message_changes",
        """const { Timeline } = await import("/js/timeline.js");
        const timeline = new Timeline(me);
        timeline.reset({ ...page(1, 2), results: [
          message(1), message(2, { reply_to: { id: "m1", n: 1, sender: bob, excerpt: "1" } })] });
        const happens = (type, data) => timeline.change({ type, data });
        const reactions = () => timeline.at(1).reactions.map(({ emoji, count }) => [emoji, count]);
        happens("reaction.added", { target: "m1", emoji: "+", user: "u" });
        happens("reaction.added", { target: "m1", emoji: "+", user: "v" });
        happens("reaction.added", { target: "m1", emoji: "+", user: "v" });
        const told = [reactions()];
        happens("reaction.removed", { target: "m1", emoji: "+", user: "u" });
        told.push(reactions());
        happens("reaction.removed", { target: "m1", emoji: "+", user: "v" });
        told.push(reactions());
        happens("message.edited", message(1, { html: "new", edited_at: at(5) }));
        told.push(timeline.at(1).html);
        happens("message.pinned", { target: "m1" });
        told.push(timeline.at(1).pinned);
        happens("message.deleted", { id: "m1", n: 1, deleted_at: at(6) });
        told.push(timeline.at(1).html, timeline.at(2).reply_to.excerpt);
        told.push(happens("message.pinned", { target: "unknown" }));
        told.push(targetOf({ type: "message.new", data: { id: "m3" } }));
        return told;""",
        exports="{ targetOf }",
    )
    assert told == [[["+", 2]], [["+", 1]], [], "new", True, "", "", False, ""]


async def test_an_edit_leaves_those_known_to_have_reacted_past_the_twentieth(modules: Page) -> None:
    told = await run(
        modules,
        "message_changes",
        """const first = Array.from({ length: 20 }, (_, i) => `u${i}`);
        const shown = (users) => ({ reactions: [{ emoji: "+", count: 22, users }] });
        const edit = (before, after) => changed(
          message(1, before), { type: "message.edited", data: message(1, after) }).reactions;
        return [
          edit(shown([me.id, ...first]), shown(first))[0].users.includes(me.id),
          edit(shown(first), shown(first))[0].users.includes(me.id),
          edit(shown([me.id]), { reactions: [{ emoji: "+", count: 1, users: ["u1"] }] })[0].users,
          edit(shown([me.id]), { reactions: [] }),
        ];""",
        exports="{ changed }",
    )
    assert told == [True, False, ["u1"], []]


async def test_a_quote_follows_what_it_quotes_loaded_or_not(modules: Page) -> None:
    told = await run(
        modules,
        "timeline",
        """const timeline = new Timeline(me);
        const quotes = (n, of) => message(n, { reply_to: { id: `m${of}`, n: of, excerpt: "old" } });
        timeline.reset({ ...page(8, 10), results: [message(8), quotes(9, 8), quotes(10, 1)] });
        const happens = (type, data) => {
          const isDifferent = timeline.change({ type, data });
          return [isDifferent, timeline.at(9).reply_to.excerpt, timeline.at(10).reply_to.excerpt];
        };
        return [
          happens("message.edited", message(8, { text: "  two  lines " })),
          happens("message.deleted", { id: "m8", n: 8 }),
          happens("message.edited", message(8, { text: "x".repeat(141) })),
          happens("message.edited", message(1, { text: "far" })),
          happens("message.deleted", { id: "m1", n: 1 }),
          happens("message.pinned", { target: "m1" }),
        ];""",
    )
    shortened = "x" * 139 + "…"
    assert told == [
        [True, "two lines", "old"],
        [True, "", "old"],
        [True, shortened, "old"],
        [True, shortened, "far"],
        [True, shortened, ""],
        [False, shortened, ""],
    ]


# --- the rest ---


async def test_cursors_let_each_event_through_once_and_notice_a_hole(modules: Page) -> None:
    told = await run(
        modules,
        "cursors",
        """const cursors = new Cursors();
        cursors.set("r", 5);
        const told = [6, 6, 4, 8, 7, 8].map((seq) => cursors.take("r", seq));
        return [told, cursors.isBehind({ r: 8 }), cursors.isBehind({ r: 9 }),
          cursors.isBehind({ other: 9 })];""",
        exports="{ Cursors }",
    )
    assert told == [["next", "old", "old", "hole", "next", "next"], False, True, False]


async def test_the_wait_before_coming_back_doubles_and_is_all_chance(modules: Page) -> None:
    told = await run(
        modules,
        "reconnect",
        "return [[0, 1, 2, 5, 6, 40].map((n) => waitMs(n, 1)), waitMs(9, 0), waitMs(1, 0.5)];",
        exports="{ waitMs }",
    )
    assert told == [[500, 1_000, 2_000, 16_000, 20_000, 20_000], 0, 500]


@pytest.mark.parametrize("code", [1001, 1006, 1012, 4002, 4008])
async def test_these_closes_are_come_back_from(modules: Page, code: int) -> None:
    told = await run(
        modules, "reconnect", "return finalFor(given);", exports="{ finalFor }", given=code
    )
    assert told is None


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4409])
async def test_these_closes_are_final(modules: Page, code: int) -> None:
    told = await run(
        modules, "reconnect", "return finalFor(given);", exports="{ finalFor }", given=code
    )
    assert told["reason"]


async def test_ids_are_uuids_of_version_7_and_sort_by_time(modules: Page) -> None:
    told = await run(
        modules,
        "uuid",
        """const fill = (bytes) => bytes.fill(255);
        return [uuid7(0x0192aabbccdd, fill), uuid7(1), uuid7(2), uuid7() === uuid7()];""",
        exports="{ uuid7 }",
    )
    assert told[0] == "0192aabb-ccdd-7fff-bfff-ffffffffffff"
    assert told[1] < told[2]
    assert told[3] is False


@pytest.mark.parametrize(
    "name",
    ["Alice Brandt", "bob", "|QuaD-", "Søren  Åkerlund", "李小龍", "🎉", "...", "a b c", "é"],
)
async def test_faces_are_the_same_on_both_sides(modules: Page, name: str) -> None:
    person = {"id": "66f0aa00000000000000a1b2", "display_name": name}
    told = await run(
        modules,
        "people",
        "return [initials(given.display_name), hue(given.id)];",
        exports="{ initials, hue }",
        given=person,
    )
    face = pages.person_of(person)
    assert told == [face["initials"], face["hue"]]


@pytest.mark.parametrize("day", ["2026-11-23", "2026-11-22", "2026-11-09", "2025-03-01"])
async def test_days_are_called_the_same_on_both_sides(modules: Page, day: str) -> None:
    told = await run(
        modules,
        "format",
        "return dayLabel(`${given}T12:00:00.000Z`, new Date('2026-11-23T20:00:00Z'));",
        exports="{ dayLabel }",
        given=day,
    )
    today = date(2026, 11, 23)
    assert told == pages.day_label(date.fromisoformat(day), today=today)


async def test_a_few_letters_find_the_nearest_name_first(modules: Page) -> None:
    told = await run(
        modules,
        "jump_dialog",
        """return ["design", "design-review", "the design", "redesign", "do easier signs", "other"]
          .map((name) => score(name, "design"));""",
        exports="{ score }",
    )
    assert told == sorted(told, reverse=True)
    assert len(set(told)) == 6
    assert told[-1] == 0


async def test_who_types_is_forgotten_after_six_seconds_without_another_word(modules: Page) -> None:
    told = await run(
        modules,
        "typing",
        """const later = [], real = setTimeout, told = [];
        window.setTimeout = (forget, ms) => later.push({ forget, ms });
        window.clearTimeout = (timer) => { if (timer) later[timer - 1].forget = () => {}; };
        const line = document.createElement("p");
        const look = async () => {
          await new Promise((settled) => real(settled, 0));
          told.push(line.textContent);
        };
        const typing = new Typing(line, { say: () => {}, nameOf: async () => "Bob" });
        typing.open("r");
        typing.started("r", bob.id);
        await look();
        typing.started("r", bob.id);
        later[0].forget();
        await look();
        later[1].forget();
        await look();
        return [told, later.map((timer) => timer.ms)];""",
        exports="{ Typing }",
    )
    assert told == [["Bob is typing…", "Bob is typing…", ""], [6_000, 6_000]]


async def test_both_sides_offer_the_same_to_do_with_a_message(modules: Page) -> None:
    later, before = "2026-11-23T21:00:00.000Z", "2026-11-23T19:00:00.000Z"
    rooms = [
        {"kind": kind, "role": role, "posting": posting, "archived_at": archived,
         "muted_until": muted, "edit_window_s": window}
        for kind in ("channel", "direct")
        for role in ("owner", "moderator", "member", "guest")
        for posting in ("everyone", "moderators")
        for archived in (None, before)
        for muted in (None, before, later)
        for window in (0, 60, 7_200)
    ]  # fmt: skip
    messages = [
        wire(1, name, before, pinned=pinned, deleted_at=deleted)
        for name in ("alice", "bob")
        for pinned in (False, True)
        for deleted in (None, before)
    ]
    by_browser = await run(
        modules,
        "message_rights",
        """const now = Date.parse("2026-11-23T20:00:00Z");
        return given.rooms.map((room) => [
          closedBecause(room, now) ?? "",
          given.messages.map((message) => deedsFor(message, room, me.id, now)),
        ]);""",
        exports="{ closedBecause, deedsFor }",
        given={"rooms": rooms, "messages": messages},
    )
    now = datetime(2026, 11, 23, 20, tzinfo=UTC)
    by_server = [
        [
            pages.closed_because(room, now=now),
            [pages.deeds_for(message, room, me="a" * 24, now=now) for message in messages],
        ]
        for room in rooms
    ]
    assert by_browser == by_server
    assert {why for why, _ in by_server} == {"", *pages.CLOSED_SAID}


async def test_slow_mode_counts_from_what_one_said_last(modules: Page) -> None:
    told = await run(
        modules,
        "slow_mode",
        """const slow = new SlowMode();
        const room = { id: "r", role: "member", slow_mode_s: 30 };
        const wait = (now, more = {}) => slow.waitMs({ ...room, ...more }, now);
        const told = [wait(0)];
        slow.wrote({ room: "r", at: "1970-01-01T00:01:40.000Z" });
        told.push(wait(110_000), wait(131_000), wait(110_000, { role: "moderator" }));
        told.push(wait(110_000, { slow_mode_s: 0 }), wait(110_000, { id: "other" }));
        slow.sends("r", 140_000);
        told.push(wait(141_000));
        slow.refused("r", 0);
        told.push(wait(141_000));
        slow.refused("r", 150_000);
        told.push(wait(141_000));
        return told;""",
        exports="{ SlowMode }",
    )
    assert told == [0, 20_000, 0, 0, 0, 0, 29_000, 0, 9_000]
