"""Owns how the objects of the wire become what the templates show: rows, titles, faces.

Pure: knows no request, no database and no clock. `static/js/timeline.js` and `people.js` hold the
same rules for the browser; a journey compares what both make of one room.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chat.store import records

FOLLOWS_WITHIN_S: Final = 300
"""What one author posts within five minutes of a post with their name over it stands below it."""
HUES: Final = 9
"""How many colours a face can have; `tokens.css` holds them."""
UNREAD_SHOWN_MAX: Final = 99
ICONS: Final = {"channel": "hash", "group": "lock", "direct": "person"}

QUICK_EMOJI: Final = ("👍", "❤️", "😂", "🎉", "👀", "✅")
"""The reactions that need one click."""
PALETTE_EMOJI: Final = (
    *QUICK_EMOJI, "👎", "🙏", "👏", "🙌", "💯", "🔥", "🚀", "⭐", "😀", "😄", "😅", "😉",
    "😍", "🤔", "🤷", "🙈", "😮", "😢", "😭", "😡", "😱", "🥳", "🤝", "💪", "👋", "✋",
    "☕", "🍕", "🎂", "🌱", "💡", "🐛", "⚠️", "❌", "❓", "⏳", "🔔", "📌", "🔒", "🏁",
)  # fmt: skip
"""The palette; any other emoji is typed."""
REPORT_REASONS: Final = (
    "Spam or advertising", "Insult or harassment", "Hate or threats", "Private data of somebody",
    "Something else",
)  # fmt: skip
CLOSED_SAID: Final = {
    "archived": "This room is archived: nobody writes here any more.",
    "muted": "You are muted here until {until}.",
    "moderators": "Only moderators write in this room.",
}

Wire = dict[str, Any]


def zone_named(name: str) -> tzinfo:
    """The time zone that the browser said it lives in; UTC for anything that is not one."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def person_of(user: Wire) -> Wire:
    """A person with the face that stands for them."""
    return {
        **user,
        "initials": initials(user["display_name"]),
        "hue": int(user["id"][-6:] or "0", 16) % HUES,
    }


def initials(name: str) -> str:
    """Two letters at most: of the first two words, or the first two of a single one."""
    words = [kept for word in name.split() if (kept := [c for c in word if c.isalnum()])]
    if not words:
        return name[:1] or "?"
    letters = [words[0][0], words[1][0]] if len(words) > 1 else words[0][:2]
    return "".join(letters).upper()


def room_of(room: Wire) -> Wire:
    """A room with its title, its icon or face, and what its entry in the list says."""
    people = room.get("people") or []
    title = room["name"] or ", ".join(user["display_name"] for user in people) or "Just you"
    is_direct = room["kind"] == "direct"
    notify = room["notify"]
    badge = 0 if notify == "none" else room["unread"] if is_direct else room["mentions"]
    return {
        **room,
        "title": title,
        "icon": ICONS.get(room["kind"], "hash"),
        "face": person_of(people[0]) if is_direct and len(people) == 1 else None,
        "is_calling": (room["unread"] if notify == "all" else badge) > 0,
        "badge": _counted(badge) if badge else "",
        "unread_label": _counted(room["unread"]),
    }


def listed(room: Wire) -> Wire:
    """A room as the browser's list needs it: of the last message, only when it was."""
    return {**room, "last_message": {"at": _last_at(room)} if room.get("last_message") else None}


def sections_of(rooms: Sequence[Wire]) -> list[Wire]:
    """The list of rooms: channels and groups by name, direct messages by who spoke last.

    Of each the pinned ones come first.
    """
    shown = [room_of(room) for room in rooms]
    named = [room for room in shown if room["kind"] != "direct"]
    direct = [room for room in shown if room["kind"] == "direct"]
    named.sort(key=lambda room: (not room["pinned"], room["title"].casefold(), room["id"]))
    direct.sort(key=lambda room: (room["pinned"], _last_at(room), room["id"]), reverse=True)
    return [
        {"key": "channels", "title": "Channels", "rooms": named, "none": "None yet."},
        {"key": "direct", "title": "Direct messages", "rooms": direct, "none": "None yet."},
    ]


def rows_of(
    messages: Sequence[Wire], *, me: str, read_n: int, href: str, zone: tzinfo, today: date
) -> list[Wire]:
    """The rows of a timeline: a divider for each day, the "New" line, the messages.

    The line stands above the first message of somebody else past `read_n`, if reading stopped
    inside this page.
    """
    rows: list[Wire] = []
    before: Wire | None = None
    head: Wire | None = None
    line_wanted = bool(messages) and read_n >= messages[0]["n"] - 1
    for message in messages:
        local = datetime.fromisoformat(message["at"]).astimezone(zone)
        day = local.date()
        new_day = before is None or before["day"] != day
        if new_day:
            rows.append({"kind": "day", "key": f"day-{day}", "label": day_label(day, today=today)})
        line = line_wanted and message["n"] > read_n and message["sender"]["id"] != me
        if line:
            rows.append({"kind": "new"})
            line_wanted = False
        follows = not new_day and not line and _follows(before, head, message, local)
        row = {
            "kind": "message",
            "message": message,
            "href": f"{href}?n={message['n']}",
            "quote_href": f"{href}?n={message['reply_to']['n']}" if message["reply_to"] else "",
            "more_href": f"{href}messages/{message['id']}/",
            "reactions": [{**r, "is_mine": me in r["users"]} for r in message["reactions"]],
            "clock": f"{local:%H:%M}",
            "face": person_of(message["sender"]),
            "follows": follows,
            "mentions_me": me in message["mentions"],
            "day": day,
            "local": local,
        }
        rows.append(row)
        before = row
        head = head if follows else row
    return rows


def closed_because(room: Wire, *, now: datetime) -> str:
    """Why one may not write in a room, a key of `CLOSED_SAID`; "" when one may."""
    if room["archived_at"]:
        return "archived"
    if _is_muted(room, now=now):
        return "muted"
    closed = room["posting"] == "moderators" and room["role"] not in records.MODERATES
    return "moderators" if closed else ""


def closed_said(room: Wire, *, now: datetime, zone: tzinfo) -> str:
    """The same as a sentence."""
    why = closed_because(room, now=now)
    if why == "muted":
        until = datetime.fromisoformat(room["muted_until"]).astimezone(zone)
        day = day_label(until.date(), today=now.astimezone(zone).date())
        said = f"{until:%H:%M}" if day == "Today" else f"{until:%H:%M} on {day}"
        return CLOSED_SAID[why].format(until=said)
    return CLOSED_SAID.get(why, "")


def deeds_for(message: Wire, room: Wire, *, me: str, now: datetime) -> list[str]:
    """What one may do to a message, in the order of its menu."""
    if message["deleted_at"]:
        return ["link"]
    is_own = message["sender"]["id"] == me
    moderates = room["role"] in records.MODERATES
    may_write = not closed_because(room, now=now)
    age_s = (now - datetime.fromisoformat(message["at"])).total_seconds()
    is_fresh = not room["edit_window_s"] or age_s <= room["edit_window_s"]
    deeds = {
        "react": not room["archived_at"] and not _is_muted(room, now=now),
        "reply": may_write,
        "edit": is_own and may_write and is_fresh,
        "unpin" if message["pinned"] else "pin": (
            not room["archived_at"] and (room["kind"] == "direct" or moderates)
        ),
        "copy": True,
        "link": True,
        "unread": not is_own,
        "report": not is_own,
        "delete": is_own or moderates,
    }
    return [deed for deed, may in deeds.items() if may]


def reacted(message: Wire, emoji: str, *, me: str) -> bool:
    """Whether one is among those who reacted so."""
    return any(r["emoji"] == emoji and me in r["users"] for r in message["reactions"])


def day_label(day: date, *, today: date) -> str:
    """Today, Yesterday, Monday 23 November, and the year when it is another one."""
    match (today - day).days:
        case 0:
            return "Today"
        case 1:
            return "Yesterday"
    said = f"{day:%A} {day.day} {day:%B}"
    return said if day.year == today.year else f"{said} {day.year}"


def blank_row() -> Wire:
    """What the template that the browser clones is made from: every part, nothing in it."""
    nobody = {"id": "", "username": "", "display_name": "", "avatar": ""}
    return {
        "blank": True,
        "message": {"id": "", "sender": nobody, "html": ""},
        "face": {"initials": "", "hue": ""},
        "key": "",
        "label": "",
    }


def blank_room() -> Wire:
    return {"id": "", "title": "", "icon": "hash", "face": None, "badge": ""}


def _follows(before: Wire | None, head: Wire | None, message: Wire, local: datetime) -> bool:
    return (
        before is not None
        and head is not None
        and before["message"]["sender"]["id"] == message["sender"]["id"]
        and not message["reply_to"]
        and not before["message"]["deleted_at"]
        and (local - head["local"]).total_seconds() < FOLLOWS_WITHIN_S
    )


def _is_muted(room: Wire, *, now: datetime) -> bool:
    until = room["muted_until"]
    return until is not None and datetime.fromisoformat(until) > now


def _last_at(room: Wire) -> str:
    last = room.get("last_message")
    return last["at"] if last else ""


def _counted(count: int) -> str:
    return f"{UNREAD_SHOWN_MAX}+" if count > UNREAD_SHOWN_MAX else str(count)
