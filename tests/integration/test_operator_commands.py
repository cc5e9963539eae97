"""`manage.py suspend_user`, `announce` and `seed_demo`, as an operator runs them."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from chat import demo
from chat.models import ModerationAction
from tests import people
from tests.people import Api, ended, signed_in

pytestmark = pytest.mark.usefixtures("running_services")


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def channel(api: Api) -> str:
    made = api.post("/rooms", {"kind": "channel", "name": people.unique("room")})
    assert made.status == 201, made.body
    return str(made.body["id"])


def texts(api: Api, room: str) -> list[str]:
    page = api.get(f"/rooms/{room}/messages").body
    return [message["text"] for message in page["results"]]


def test_a_suspended_person_loses_every_login() -> None:
    bob = people.person("bob")
    api, _ = signed_in(bob)
    with ended() as told:
        run("suspend_user", bob.username.upper(), "--reason", "Asked to")
    assert [each["reason"] for each in told] == ["suspended"]
    assert api.get("/me").status == 401
    [entry] = ModerationAction.objects.filter(subject=str(bob.pk))
    assert (entry.action, entry.reason) == ("suspend", "Asked to")


def test_a_dry_run_changes_nothing() -> None:
    bob = people.person("bob")
    assert "would suspend" in run("suspend_user", bob.username, "--dry-run")
    assert User.objects.get(pk=bob.pk).is_active


def test_suspended_twice_is_written_down_once_and_can_be_undone() -> None:
    bob = people.person("bob")
    run("suspend_user", bob.username)
    assert "nothing to suspend" in run("suspend_user", bob.username)
    run("suspend_user", bob.username, "--restore")
    assert User.objects.get(pk=bob.pk).is_active
    actions = [e.action for e in ModerationAction.objects.filter(subject=str(bob.pk))]
    assert sorted(actions) == ["reinstate", "suspend"]


@pytest.mark.parametrize(
    "command", [("suspend_user", "nobody"), ("announce", "x", "--as", "nobody")]
)
def test_nobody_of_this_name_is_one_line(command: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="there is nobody called nobody"):
        run(*command)


def test_an_announcement_is_said_once_in_every_channel_of_its_author() -> None:
    alice, bob = people.person("alice"), people.person("bob")
    (hers, _), (his, _) = signed_in(alice), signed_in(bob)
    mine = [channel(hers), channel(hers)]
    other = channel(his)
    assert hers.post(f"/rooms/{other}/join").status < 300
    for _ in range(2):
        assert "Said in 2 of 2 rooms." in run("announce", "Back at five", "--as", alice.username)
    assert [texts(hers, room) for room in mine] == [["Back at five"], ["Back at five"]]
    assert texts(hers, other) == []


def test_more_samples_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.RATE_LIMITS", False)
    words = ("seed_demo", "--people", "2", "--rooms", "2", "--messages", "7")
    assert "2 further people" in run(*words, "--dry-run")
    first, again = run(*words), run(*words)
    assert "Demo: 0 new messages" not in first
    assert "Demo: 0 new messages" in again


def test_an_announcement_can_be_tried_first() -> None:
    alice = people.person("alice")
    api, _ = signed_in(alice)
    room = channel(api)
    name = api.get(f"/rooms/{room}").body["name"]
    assert run("announce", "x", "--as", alice.username, "--dry-run").split("\n")[0] == name
    assert texts(api, room) == []


def test_the_demo_stays_as_whoever_tried_it_left_it() -> None:
    run("seed_demo")
    ada, _ = signed_in(User.objects.get(username_key="ada"), demo.PASSWORD)
    elif_id = str(User.objects.get(username_key="elif").pk)
    rooms = {room["name"]: room["id"] for room in ada.get("/rooms").body["results"]}
    for path, change in (
        (f"/rooms/{rooms['general']}/members/{elif_id}", {"mute_until": "2100-01-01T00:00:00Z"}),
        (f"/rooms/{rooms['deploys']}", {"slow_mode_s": 60, "posting": "moderators"}),
        (f"/rooms/{rooms['lunch']}", {"archived": True}),
    ):
        assert ada.patch(path, change).status in (200, 204)
    assert "0 new messages" in run("seed_demo")
