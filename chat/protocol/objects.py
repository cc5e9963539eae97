"""Owns the objects of the wire: person, message, member, room. Knows nothing of storage.

Field order here is the order on the wire. The same objects go out in REST, in acks and in events.
Source: docs/protocol.md.
"""

from typing import Any

import msgspec


class Person(msgspec.Struct, frozen=True):
    """Somebody as others see them."""

    id: str
    username: str
    display_name: str
    avatar: str


class Quote(msgspec.Struct, frozen=True):
    """The message that another one answers; `excerpt` is plain text, empty once it was deleted."""

    id: str
    n: int
    sender: Person
    excerpt: str


class Reaction(msgspec.Struct, frozen=True):
    """One emoji on a message; `users` names at most 20 of the `count` people."""

    emoji: str
    count: int
    users: list[str]


class Message(msgspec.Struct, frozen=True):
    """A message as everybody sees it. `at` and the like are RFC 3339 with milliseconds."""

    id: str
    room: str
    seq: int
    n: int
    at: str
    sender: Person
    text: str
    html: str
    reply_to: Quote | None
    mentions: list[str]
    attachments: list[Any]
    edited_at: str | None
    deleted_at: str | None
    reactions: list[Reaction]
    pinned: bool


class Member(msgspec.Struct, frozen=True):
    """One person in one room."""

    user: Person
    role: str
    joined_at: str
    muted_until: str | None


class Room(msgspec.Struct, frozen=True):
    """A room as one of its members sees it (for a channel one is not in: `role` is "")."""

    id: str
    kind: str
    name: str
    topic: str
    head_seq: int
    head_n: int
    read_n: int
    unread: int
    mentions: int
    last_message: Message | msgspec.Raw | None
    role: str
    members_count: int
    notify: str
    muted_until: str | None
    pinned: bool
    posting: str
    slow_mode_s: int
    edit_window_s: int
    archived_at: str | None
    people: list[Person]
    """The others of a direct room; empty elsewhere."""
