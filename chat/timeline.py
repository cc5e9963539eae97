"""Owns what a row of events makes of a room's messages: the log's meaning, as one pure function.

`apply` takes pushed frames in seq order. Whoever applies all events from an empty state has what a
fresh fetch gives; the cache answers history with it, bots can, and a test holds it against both.
Source: docs/protocol.md, "What events do".
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from chat import limits, text
from chat.protocol.objects import Message

Wire = dict[str, Any]


class Timeline:
    """Messages by id, as the events so far left them. Events of messages that are not here (older
    ones than the piece of the log that was given) change nothing but quotes."""

    def __init__(self) -> None:
        self._messages: dict[str, Wire] = {}
        self._reactors: dict[str, dict[str, list[str]]] = {}

    def apply(self, frames: Iterable[Mapping[str, Any]]) -> None:
        """Apply pushed frames, in order."""
        for frame in frames:
            data = frame["data"]
            match frame["type"]:
                case "message.new":
                    self._messages[data["id"]] = dict(data)
                    self._reactors[data["id"]] = {}
                case "message.edited":
                    self._edit(data)
                case "message.deleted":
                    self._delete(data)
                case "reaction.added" | "reaction.removed":
                    self._react(data, added=frame["type"] == "reaction.added")
                case "message.pinned" | "message.unpinned":
                    if message := self._messages.get(data["target"]):
                        message["pinned"] = frame["type"] == "message.pinned"
                case _:
                    continue

    def messages(self) -> list[Message]:
        """All messages, ascending by n."""
        ordered = sorted(self._messages.values(), key=lambda message: message["n"])
        return [msgspec.convert(message, Message) for message in ordered]

    def _edit(self, data: Wire) -> None:
        message = self._messages.get(data["id"])
        if message is not None:
            for name in ("text", "html", "mentions", "edited_at", "deleted_at"):
                message[name] = data[name]
        self._requote(data["id"], text.excerpt(data["text"]))

    def _delete(self, data: Wire) -> None:
        message = self._messages.get(data["id"])
        if message is not None:
            message |= {"text": "", "html": "", "mentions": [], "reactions": [], "pinned": False}
            message["deleted_at"] = data["deleted_at"]
            self._reactors[data["id"]] = {}
        self._requote(data["id"], "")

    def _react(self, data: Wire, *, added: bool) -> None:
        message = self._messages.get(data["target"])
        if message is None:
            return
        reactors = self._reactors[data["target"]]
        users = reactors.setdefault(data["emoji"], [])
        if added and data["user"] not in users:
            users.append(data["user"])
        elif not added and data["user"] in users:
            users.remove(data["user"])
        message["reactions"] = [
            {"emoji": emoji, "count": len(users), "users": users[: limits.REACTION_USERS_SHOWN]}
            for emoji, users in reactors.items()
            if users
        ]
        for emoji in [emoji for emoji, users in reactors.items() if not users]:
            del reactors[emoji]

    def _requote(self, message_id: str, excerpt: str) -> None:
        for message in self._messages.values():
            quote = message["reply_to"]
            if quote is not None and quote["id"] == message_id:
                message["reply_to"] = quote | {"excerpt": excerpt}
