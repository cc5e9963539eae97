"""A name after an @ is completed: by keys, by a click, and without getting in anybody's way."""

from typing import Any

from playwright.async_api import Locator, Page, expect

from tests import browser
from tests.browser import Window, Windows
from tests.cluster import Person


async def hall(windows: Windows, *people: Person) -> tuple[Window, str]:
    """The first one's window, in a channel with the others."""
    alice, *others = people
    made: dict[str, Any] = await alice.rest.post(
        "/rooms", kind="channel", name=f"hall of {alice.username}"
    )
    for other in others:
        await other.rest.post(f"/rooms/{made['id']}/join")
    hers = await windows.of(alice, at=0)
    await hers.open(made["id"])
    return hers, made["id"]


def options(window: Window) -> Locator:
    return window.page.get_by_role("listbox", name="People to mention").get_by_role("option")


async def test_a_name_is_completed_by_keys_and_the_person_is_mentioned(
    windows: Windows, alice: Person, bob: Person, charlie: Person
) -> None:
    hers, room = await hall(windows, alice, bob, charlie)
    await hers.composer.press_sequentially("see @")
    await expect(options(hers)).to_have_count(2)  # all but oneself
    await hers.composer.press_sequentially(bob.username[:3])
    await expect(options(hers)).to_have_count(1)
    await expect(hers.composer).to_have_attribute("aria-activedescendant", "composer-mentions-0")
    await hers.page.keyboard.press("Enter")
    await expect(hers.composer).to_have_value(f"see @{bob.username} ")
    await expect(options(hers)).to_have_count(0)
    await hers.page.keyboard.press("Enter")
    marked = hers.message("see").locator(".mention")
    await expect(marked).to_have_text(f"@{bob.username}")  # as the server made it
    (message,) = (await bob.rest.get(f"/rooms/{room}/messages"))["results"]
    assert message["mentions"] == [bob.id]


async def test_arrows_choose_escape_closes_and_a_click_picks(
    windows: Windows, alice: Person, bob: Person, charlie: Person
) -> None:
    hers, _ = await hall(windows, alice, bob, charlie)
    await hers.composer.press_sequentially("@")
    await expect(options(hers)).to_have_count(2)
    first = await options(hers).nth(0).inner_text()
    await hers.page.keyboard.press("ArrowDown")
    await expect(options(hers).nth(1)).to_have_attribute("aria-selected", "true")
    await hers.page.keyboard.press("Escape")
    await expect(options(hers)).to_have_count(0)
    await expect(hers.composer).to_be_focused()
    await hers.composer.fill("")
    await hers.composer.press_sequentially("@")
    await options(hers).nth(0).click()
    await expect(hers.composer).to_be_focused()
    assert (await hers.composer.input_value()).strip() in first


async def test_a_name_that_is_whole_is_sent_at_the_first_enter(
    windows: Windows, alice: Person, bob: Person
) -> None:
    hers, _ = await hall(windows, alice, bob)
    await hers.composer.press_sequentially(f"hello @{bob.username}")
    await expect(options(hers)).to_have_count(1)
    await hers.page.keyboard.press("Enter")
    await hers.sees(f"hello @{bob.username}")


async def test_an_address_is_no_mention_and_a_late_answer_opens_nothing(modules: Page) -> None:
    found = await browser.in_module(
        modules,
        "mention_list",
        """document.body.innerHTML = `<form><textarea name=text></textarea>
          <ul id=composer-mentions data-part=mentions hidden></ul></form>`;
        const form = document.querySelector("form"), text = form.elements.text;
        const asked = [], answers = [];
        const bob = { id: "0b", username: "bob", display_name: "Bob" };
        const mentions = new MentionList(form, (q) => {
          asked.push(q);
          return new Promise((answer) => answers.push(() => answer([bob])));
        });
        mentions.connect();
        const type = async (value) => {
          text.value = value;
          text.dispatchEvent(new Event("input"));
          await new Promise((settled) => setTimeout(settled, 150));
        };
        const list = form.querySelector("ul");
        await type("alice@example.org");
        await type("a @b");
        await type("a @bo");
        await type("a @bo ");
        for (const answer of answers) answer();
        await new Promise((settled) => setTimeout(settled, 0));
        return [asked, list.hidden];""",
        exports="{ MentionList }",
    )
    assert found == [["b", "bo"], True]


async def test_of_many_people_the_server_is_asked(modules: Page) -> None:
    found = await browser.in_module(
        modules,
        "mentionable",
        """const asked = [];
        const person = (name) => ({ id: name, username: name, display_name: name });
        const api = { get: async (path, query) => {
          asked.push(path);
          return path === "/users" ? { results: [person("bob"), person("me")] }
            : { results: [], next_cursor: "more" };
        } };
        const mentionable = new Mentionable({ api, me: "me" });
        const room = { id: "r", kind: "channel" };
        const names = async (q) => (await mentionable.find(room, q)).map(({ id }) => id);
        return [await names(""), await names("b"), await names("bo"), asked];""",
        exports="{ Mentionable }",
    )
    assert found == [[], ["bob"], ["bob"], ["/rooms/r/members", "/users", "/users"]]
