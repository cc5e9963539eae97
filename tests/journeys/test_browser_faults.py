"""What a person in Chromium sees of broken connections: a banner, then everything, once."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from tests.browser import UNREACHABLE, Line, Window, Windows
from tests.cluster import Cluster, Person


@pytest.fixture
async def fragile(
    running_services: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    """Two replicas that may be killed."""
    async with Cluster(tmp_path_factory.mktemp("fragile")) as cluster:
        yield cluster


async def test_what_was_missed_while_the_replica_was_dead_comes_once(
    fragile: Cluster, windows: Windows
) -> None:
    alice, bob = await fragile.people("alice", "bob")
    room = await alice.channel(bob)
    hers = await windows.of(alice, at=0, room=room, forgiven=UNREACHABLE)
    his = await windows.of(bob, at=1, room=room)
    await his.say("before")
    await hers.sees("before")

    await fragile.kill(0)
    await expect(hers.banner).to_contain_text("Reconnecting")
    await his.say("missed one")
    await his.say("missed two")
    await his.sees("missed two")
    await hers.say("written meanwhile")
    await expect(hers.message("written meanwhile")).to_have_class(re.compile("message--pending"))

    await fragile.start(0)
    await hers.live()
    await expect(hers.banner).to_be_hidden()
    for window in (hers, his):
        for text in ("before", "missed one", "missed two", "written meanwhile"):
            await window.sees(text)
        await expect(window.get(".message--pending, .message--failed")).to_have_count(0)
    assert await shown(hers) == await shown(his)


async def test_a_restart_by_the_operator_costs_nothing(fragile: Cluster, windows: Windows) -> None:
    alice, bob = await fragile.people("alice", "bob")
    room = await alice.channel(bob)
    hers = await windows.of(alice, at=0, room=room, forgiven=UNREACHABLE)
    his = await windows.of(bob, at=1, room=room)
    await fragile.end(0)
    await his.say("while it was restarted")
    await fragile.start(0)
    await hers.sees("while it was restarted")
    await hers.say("thanks")
    await his.sees("thanks")


async def test_a_message_survives_a_reload_before_it_was_stored(
    windows: Windows, alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    hers = await windows.of(alice)
    line = Line(hers)
    await line.hold()
    await hers.open(room)
    his = await windows.of(bob, at=1, room=room)
    line.is_cut = True
    await hers.say("not lost")
    lost = await line.sent.get()
    line.is_cut = False
    await hers.page.reload()
    await hers.live()
    await his.sees("not lost")
    await hers.sees("not lost")
    await expect(hers.get(".message--pending")).to_have_count(0)
    stored = await alice.rest.get(f"/rooms/{room}/messages")
    assert [message["id"] for message in stored["results"]] == [lost["data"]["id"]]  # type: ignore[index]


async def test_a_refused_message_turns_red_and_is_sent_again_under_its_own_id(
    windows: Windows, alice: Person
) -> None:
    room = await alice.channel()
    window = await windows.of(alice)
    line = Line(window)
    await line.hold()
    await window.open(room)
    line.is_cut = True
    await window.say("try me")
    first = await line.sent.get()
    line.refuse(first, code="muted", message="You are muted in this room.")
    failed = window.message("try me")
    await expect(failed).to_have_class(re.compile("message--failed"))
    await expect(failed).to_contain_text("You are muted in this room.")
    await failed.get_by_role("button", name="Retry").click()
    again = await line.sent.get()
    assert again["data"] == first["data"]
    line.refuse(again, code="rate_limited", retry_after=0.1)  # passes by itself
    third = await line.sent.get()
    assert third["data"] == first["data"]
    line.is_cut = False
    await window.page.reload()
    await window.sees("try me")
    await expect(window.get(".message--failed, .message--pending")).to_have_count(0)


async def test_messages_written_in_a_row_arrive_in_that_order(
    windows: Windows, alice: Person
) -> None:
    room = await alice.channel()
    window = await windows.of(alice)
    line = Line(window)
    await line.hold()
    await window.open(room)
    line.is_cut = True
    await window.say("first")
    await window.say("second")
    first = await line.sent.get()
    assert line.sent.empty()  # the second waits until the first is stored
    line.is_cut = False
    line.refuse(first, code="unavailable", retry_after=0.1)
    await expect(window.get(".message--pending")).to_have_count(0)
    assert await shown(window) == ["first", "second"]
    page = await alice.rest.get(f"/rooms/{room}/messages")
    assert [message["text"] for message in page["results"]] == ["first", "second"]


@pytest.mark.parametrize(
    ("code", "words"), [(4401, "signed out"), (4403, "suspended"), (4409, "too many windows")]
)
async def test_a_final_close_is_said_and_not_fought(
    windows: Windows, alice: Person, code: int, words: str
) -> None:
    window = await windows.of(alice)
    line = Line(window)
    await line.hold()
    await window.page.reload()
    await window.live()
    await line.close(code)
    await expect(window.banner).to_contain_text(words)
    await expect(window.get("[data-shell]")).to_have_attribute("data-connection", "final")
    assert line.opened == 1


async def test_signing_out_elsewhere_ends_this_window(windows: Windows, alice: Person) -> None:
    window = await windows.of(alice, at=1, room=await alice.channel())
    await alice.rest.delete("/auth/sessions")  # all but the program's own
    await expect(window.banner).to_contain_text("signed out")
    await window.banner.get_by_role("button", name="Sign in").click()
    await expect(window.page).to_have_url(re.compile("/accounts/login/"))


async def shown(window: Window) -> list[str]:
    """The texts in the conversation, top to bottom."""
    return [text.strip() for text in await window.get(".message__body").all_inner_texts()]
