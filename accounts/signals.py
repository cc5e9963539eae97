"""Owns what accounts tell the rest of the house. Knows none of those who listen.

Sent after the change is stored, on the thread that stored it; receivers must not block and must
not raise. Within one process only: whoever listens carries it to the other replicas.
"""

from typing import Final, Literal

from django.dispatch import Signal

Reason = Literal["logout", "password", "suspended", "revoked"]

sessions_ended: Final = Signal()
"""`user_id: str, session_ids: list[str], reason: Reason`: these logins are over, and with them
every open connection of theirs. Sent only with at least one id, but for `suspended`, which is told
of everyone suspended."""

profile_changed: Final = Signal()
"""`user_id: str`: what others see of a person is not what it was."""

password_replaced: Final = Signal()
"""`user_id: str`: someone's password was set by `User.save` (the admin, `changepassword`, a reset),
so no login made with the old one may go on."""
