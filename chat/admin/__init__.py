"""Owns the moderators' desk: what Django's admin shows of rooms, messages, reports and the audit.

Decides no rule of rooms: what it does goes through the services, as staff, and so reaches open
sockets on every replica, the log and the audit. docs/moderation.md is written for its users.
"""

from chat.admin import audit, messages, people, reports, rooms, words

__all__ = ["audit", "messages", "people", "reports", "rooms", "words"]
