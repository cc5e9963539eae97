"""What templates are given of the wire: titles, faces, sections, rows."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from chat import pages

ME = "a" * 24
BOB = "b" * 24
TODAY = date(2026, 11, 23)


def person(id: str, name: str) -> pages.Wire:
    return {"id": id, "username": name.lower(), "display_name": name, "avatar": ""}


def message(n: int, at: str, *, sender: str = BOB, **more: Any) -> pages.Wire:
    return {
        "id": f"m{n}",
        "n": n,
        "at": f"{at}.000Z",
        "sender": person(sender, "Bob"),
        "html": "",
        "reply_to": None,
        "mentions": [],
        "deleted_at": None,
        "reactions": [],
        **more,
    }


def room(name: str, kind: str = "channel", **more: Any) -> pages.Wire:
    return {
        "id": name or "x",
        "kind": kind,
        "name": name,
        "unread": 0,
        "mentions": 0,
        "people": [],
        "last_message": None,
        "notify": "all",
        "pinned": False,
        **more,
    }


def rows(*messages: pages.Wire, read_n: int = 0, zone: str = "UTC") -> list[pages.Wire]:
    return pages.rows_of(
        messages, me=ME, read_n=read_n, href="/r/", zone=pages.zone_named(zone), today=TODAY
    )


def test_days_divide_where_the_reader_lives() -> None:
    late = message(1, "2026-11-22T23:30:00")
    early = message(2, "2026-11-23T00:30:00")
    kinds = [row["kind"] for row in rows(late, early, read_n=2)]
    assert kinds == ["day", "message", "day", "message"]
    berlin = rows(late, early, read_n=2, zone="Europe/Berlin")
    assert [row["kind"] for row in berlin] == ["day", "message", "message"]
    assert berlin[0]["label"] == "Today"
    assert berlin[1]["clock"] == "00:30"


@pytest.mark.parametrize("name", ["", "Nowhere/At_All", "../../etc/passwd", "\x00", "A" * 300])
def test_a_zone_that_is_none_is_utc(name: str) -> None:
    assert str(pages.zone_named(name)) == "UTC"


def test_the_line_stands_only_where_reading_stopped_on_this_page() -> None:
    three = [message(n, f"2026-11-23T10:0{n}:00") for n in (5, 6, 7)]
    assert [row["kind"] for row in rows(*three, read_n=5)].index("new") == 2
    assert "new" not in [row["kind"] for row in rows(*three, read_n=7)]
    assert "new" not in [row["kind"] for row in rows(*three, read_n=2)]
    assert rows(read_n=0) == []


def test_the_first_post_after_the_line_has_its_authors_name() -> None:
    two = [message(1, "2026-11-23T10:00:00"), message(2, "2026-11-23T10:00:01")]
    assert rows(*two, read_n=2)[-1]["follows"]
    assert not rows(*two, read_n=1)[-1]["follows"]


def test_a_message_knows_its_address_and_whom_it_means() -> None:
    quoted = message(
        9, "2026-11-23T10:00:00", mentions=[ME], reply_to={"n": 4, "sender": person(ME, "A")}
    )
    row = rows(quoted, read_n=9)[-1]
    assert (row["href"], row["quote_href"]) == ("/r/?n=9", "/r/?n=4")
    assert row["mentions_me"]


def test_rooms_stand_by_name_and_conversations_by_who_spoke_last() -> None:
    said = {"at": "2026-11-23T10:00:00.000Z"}
    earlier = {"at": "2026-11-22T10:00:00.000Z"}
    channels, direct = pages.sections_of(
        [
            room("beta"),
            room("Alpha", "group"),
            room("", "direct", id="1", people=[person(BOB, "Bob")], last_message=earlier),
            room("", "direct", id="2", people=[person(ME, "Al")], last_message=said),
            room("", "direct", id="3"),
        ]
    )
    assert [each["title"] for each in channels["rooms"]] == ["Alpha", "beta"]
    assert [each["title"] for each in direct["rooms"]] == ["Al", "Bob", "Just you"]
    assert direct["rooms"][1]["face"]["initials"] == "BO"


def test_a_badge_counts_what_is_for_oneself() -> None:
    shown = pages.room_of(room("general", unread=120, mentions=2))
    assert (shown["badge"], shown["unread_label"]) == ("2", "99+")
    assert pages.room_of(room("general", unread=3))["badge"] == ""
    assert pages.room_of(room("", "direct", unread=3))["badge"] == "3"


def test_a_room_calls_for_as_much_as_one_wants() -> None:
    def calls(notify: str, **counts: Any) -> bool:
        return bool(pages.room_of(room("general", notify=notify, **counts))["is_calling"])

    assert calls("all", unread=1)
    assert not calls("mentions", unread=1)
    assert calls("mentions", unread=1, mentions=1)
    assert not calls("none", unread=1, mentions=1)
    assert pages.room_of(room("", "direct", notify="mentions", unread=1))["is_calling"]


def test_the_browsers_list_gets_no_message_texts() -> None:
    last = {"at": "2026-11-23T10:00:00.000Z", "text": "secret", "html": "secret"}
    assert pages.listed(room("general", last_message=last))["last_message"] == {"at": last["at"]}


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-11-23T22:30:00.000Z", "23:30"),
        ("2026-11-23T23:30:00.000Z", "00:30 on Tuesday 24 November"),
    ],
)
def test_a_mute_that_ends_on_another_day_says_which(until: str, said: str) -> None:
    muted = {"archived_at": None, "muted_until": until}
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    shown = pages.closed_said(muted, now=now, zone=pages.zone_named("Europe/Berlin"))
    assert shown == f"You are muted here until {said}."
