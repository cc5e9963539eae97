"""What a page shows while it waits for an answer: its modules in Chromium without a server."""

from playwright.async_api import Page

from tests import browser


async def test_what_is_heard_of_somebody_is_newer_than_an_answer_under_way(modules: Page) -> None:
    told = await browser.in_module(
        modules,
        "presence",
        """const answers = [], told = [];
        const watch = () => new Promise((answer) => answers.push(answer));
        const presence = new Presence({ watch, onChange: () => told.push(presence.of("bob")) });
        presence.follow(["bob"]);
        presence.live(true);
        presence.heard("bob", "online");
        answers[0]({ users: { bob: "offline" }, last_seen: { bob: "2026-11-26T10:00:00Z" } });
        await new Promise((settled) => setTimeout(settled, 0));
        told.push(presence.lastSeen("bob"));
        presence.live(false);
        presence.live(true);
        answers[1]({ users: { bob: "away" } });
        await new Promise((settled) => setTimeout(settled, 0));
        return told;""",
        exports="{ Presence }",
    )
    assert told == [None, "online", "online", None, None, "online", "away"]


async def test_what_is_being_saved_is_shown_when_the_room_is_drawn_again(modules: Page) -> None:
    told = await browser.in_module(
        modules,
        "room_settings",
        """const panel = document.createElement("div");
        panel.innerHTML = `<select name=notify><option>all<option>none</select>
          <input name=pinned type=checkbox>`;
        const room = { id: "r", kind: "channel", role: "member", notify: "all", pinned: false };
        const answers = [], said = [], told = [];
        const api = { patch: () => new Promise((ok, no) => answers.push({ ok, no })) };
        const toast = { say: (text) => said.push(text) };
        const own = new OwnSettings(panel, { api, toast, changed: () => {} });
        document.body.append(panel);
        const pinned = panel.querySelector("input");
        own.connect();
        own.show(room);
        pinned.click();
        own.show(room);
        told.push(pinned.checked);
        answers[0].no("no");
        await new Promise((settled) => setTimeout(settled, 0));
        told.push(pinned.checked, said.length);
        pinned.click();
        answers[1].ok();
        await new Promise((settled) => setTimeout(settled, 0));
        own.show({ ...room, pinned: true });
        told.push(pinned.checked);
        own.show(room);
        told.push(pinned.checked);
        return told;""",
        exports="{ OwnSettings }",
    )
    assert told == [True, False, 1, True, False]


async def test_what_is_written_later_in_the_same_outage_says_so_too(modules: Page) -> None:
    told = await browser.in_module(
        modules,
        "outbox",
        """const later = [], told = [];
        window.setTimeout = (run, ms) => later.push({ run, ms });
        window.clearTimeout = (timer) => { if (timer) later[timer - 1].run = () => {}; };
        const never = () => new Promise(() => {});
        const outbox = new Outbox({
          me: "me", storage: localStorage, send: never, hurry: () => {}, onChange: () => {},
          onStored: () => {}, onRefused: () => {}, onFailed: (room) => told.push(room),
        });
        const states = () => outbox.of("r").map(({ state }) => state);
        outbox.disconnect();
        outbox.add("r", "one");
        outbox.disconnect();
        later[0].run();
        told.push(states(), later.length);
        outbox.add("r", "two");
        outbox.retry(outbox.of("r")[0].id);
        told.push(states());
        later[1].run();
        told.push(states(), later.map(({ ms }) => ms));
        outbox.connect();
        told.push(states());
        outbox.clear();
        return told;""",
        exports="{ Outbox }",
    )
    assert told == [
        "r", ["failed"], 1, ["pending", "pending"],
        "r", "r", ["failed", "failed"], [30_000, 30_000], ["pending", "pending"],
    ]  # fmt: skip


async def test_the_focus_stays_at_a_message_that_was_deleted_before_the_answer(
    modules: Page,
) -> None:
    told = await browser.in_module(
        modules,
        "message_dialogs",
        """document.body.innerHTML = `<article id="message-m" tabindex="-1"></article><dialog><form>
          <p data-part="author"></p><p data-part="text"></p><p data-part="errors"></p>
          <button type="submit">Delete</button></form></dialog>`;
        const dialog = document.querySelector("dialog");
        const message = () => document.getElementById("message-m");
        const dialogs = { get: () => dialog, open: () => dialog.showModal() };
        const ask = connectDelete(dialogs, async () => {
          message().replaceWith(message().cloneNode());
        });
        message().focus();
        ask({ id: "m", sender: { display_name: "Alice" }, text: "never mind" });
        dialog.querySelector("form").requestSubmit();
        await new Promise((settled) => setTimeout(settled, 0));
        return [dialog.open, document.activeElement.id];""",
        exports="{ connectDelete }",
    )
    assert told == [False, "message-m"]
