"""Owns how a stored message says that it is pinned, and so how pins are found. Reads nothing."""

from typing import Any, Final

from bson import ObjectId

Document = dict[str, Any]
PINNED: Final = "pinned"
"""The `target` of a pinned message, which has none otherwise: so the index of events by target
finds a room's pins as well. An index of their own would make each insert of any message an eighth
dearer on the embedded database."""


def said(is_pinned: bool) -> Document:
    """The fields of a message that say so."""
    return {"pinned": is_pinned, "target": PINNED if is_pinned else ""}


def found_by(room: ObjectId) -> Document:
    """What finds the pinned messages of a room."""
    return {"room_id": room, "target": PINNED}
