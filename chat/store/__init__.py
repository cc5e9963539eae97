"""Owns MongoDB on the hot path: appending to room logs, reading them, and who is where.

Knows no socket, no Redis and no rule. `Store` is one process's way to the database.
"""

from chat.store.appends import Append, Committed, Place, Stored
from chat.store.heads import Head
from chat.store.store import Store

__all__ = ["Append", "Committed", "Head", "Place", "Store", "Stored"]
