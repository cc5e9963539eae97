"""Owns what may be done: every rule and every write, one function a deed.

Asynchronous; the first argument is the identity of whoever asks, everything else is named. They
return values or raise `chat.errors`; both edges, sockets and REST, call the same ones.
"""

from chat.services.bans import ban_lift
from chat.services.changes import (
    message_delete,
    message_edit,
    message_pin,
    message_restore,
    reaction_add,
    reaction_remove,
)
from chat.services.held import held_reject, held_release, server_rules_update
from chat.services.leaving import member_remove, room_leave
from chat.services.members import member_update, members_add, room_join
from chat.services.messages import Sent, message_send, message_submit
from chat.services.reading import ReadState, membership_update, read_mark, typing_start
from chat.services.reports import message_report
from chat.services.retention import room_marked
from chat.services.rooms import direct_open, room_create, room_update

__all__ = [
    "ReadState",
    "Sent",
    "ban_lift",
    "direct_open",
    "held_reject",
    "held_release",
    "member_remove",
    "member_update",
    "members_add",
    "membership_update",
    "message_delete",
    "message_edit",
    "message_pin",
    "message_report",
    "message_restore",
    "message_send",
    "message_submit",
    "reaction_add",
    "reaction_remove",
    "read_mark",
    "room_create",
    "room_join",
    "room_leave",
    "room_marked",
    "room_update",
    "server_rules_update",
    "typing_start",
]
