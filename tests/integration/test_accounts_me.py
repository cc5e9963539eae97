"""The page of one's own account, as browsers without scripts use it."""

import html
import re
from typing import Any

from accounts import selectors
from tests import people
from tests.people import browser, fill

ME = "/accounts/me/"


def page_of(client: Any) -> str:
    response = client.get(ME)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def ends(page: str) -> list[str]:
    """Where the buttons of single logins lead."""
    return re.findall(r'action="(/accounts/me/logins/\w+/end/)"', page)


def press(client: Any, path: str) -> Any:
    """A button of the page."""
    return client.post(path, {"csrfmiddlewaretoken": people.csrf(client)})


def test_shows_what_others_see_and_saves_it() -> None:
    alice = people.person("alice", display_name="Alice")
    client = browser(alice)

    before = page_of(client)
    done = fill(client, ME, display_name="Alice L.", status_text="On a train", shares_presence="on")
    after = page_of(client)

    assert 'value="Alice"' in before
    assert before.count(" checked") == 2
    assert done["Location"] == f"{ME}?saved"
    assert 'value="Alice L."' in after
    assert 'value="On a train"' in after
    assert after.count(" checked") == 1
    stored = selectors.user_by_id(str(alice.pk))
    assert stored is not None
    assert (stored.display_name, stored.status_text) == ("Alice L.", "On a train")
    assert (stored.shares_presence, stored.shares_receipts) == (True, False)


def test_says_beside_the_field_what_is_wrong_and_changes_nothing() -> None:
    alice = people.person("alice", display_name="Alice")
    client = browser(alice)

    response = fill(client, ME, display_name="A\u202elice")

    assert response.status_code == 422
    assert 'id="id_display_name_error"' in response.content.decode()
    stored = selectors.user_by_id(str(alice.pk))
    assert stored is not None
    assert stored.display_name == "Alice"


def test_ends_one_login_elsewhere_and_not_the_one_in_use() -> None:
    alice = people.person("alice")
    here, there = browser(alice), browser(alice)

    listed = ends(page_of(here))
    done = press(here, listed[0])

    assert len(listed) == 1  # none for this browser
    assert done["Location"] == ME
    assert ends(page_of(here)) == []
    assert there.get(ME).status_code == 302


def test_ends_all_other_logins_at_once() -> None:
    alice = people.person("alice")
    here, others = browser(alice), [browser(alice), browser(alice)]
    page_of(here)

    press(here, f"{ME}logins/end/")

    assert here.get(ME).status_code == 200
    assert [other.get(ME).status_code for other in others] == [302, 302]


def test_ends_no_login_of_somebody_else() -> None:
    alice, bob = people.person("alice"), people.person("bob")
    hers, his = browser(alice), browser(bob)
    (login,) = selectors.sessions_live(user_id=str(bob.pk))
    page_of(hers)

    press(hers, f"{ME}logins/{login.id}/end/")

    assert his.get(ME).status_code == 200


def test_changes_nothing_by_following_a_link() -> None:
    alice = people.person("alice")
    here, there = browser(alice), browser(alice)

    asked = [here.get(path).status_code for path in (*ends(page_of(here)), f"{ME}logins/end/")]

    assert asked == [405, 405]
    assert there.get(ME).status_code == 200


def test_sends_strangers_to_sign_in_first() -> None:
    assert browser().get(ME)["Location"] == f"/accounts/login/?next={ME}"
