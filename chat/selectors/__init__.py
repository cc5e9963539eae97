"""Owns what may be read, and how it is shown to whoever asks. Changes nothing.

Asynchronous; the first argument is the identity of whoever asks. Results are the objects of the
wire (`chat.protocol.objects`) or JSON-ready dicts of them.
"""

from chat.selectors.messages import (
    EventsPage,
    MessagesPage,
    PinsPage,
    events_page,
    message_get,
    messages_page,
    pins_page,
)
from chat.selectors.moderation import bans_list, held_list, room_rules
from chat.selectors.rooms import (
    Page,
    members_list,
    plain,
    room_get,
    room_shown,
    rooms_mine,
    rooms_of,
    rooms_page,
    rooms_public,
)

__all__ = [
    "EventsPage",
    "MessagesPage",
    "Page",
    "PinsPage",
    "bans_list",
    "events_page",
    "held_list",
    "members_list",
    "message_get",
    "messages_page",
    "pins_page",
    "plain",
    "room_get",
    "room_rules",
    "room_shown",
    "rooms_mine",
    "rooms_of",
    "rooms_page",
    "rooms_public",
]
