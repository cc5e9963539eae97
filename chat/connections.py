"""Owns asking all processes who is connected, and having them send people away. For commands.

Synchronous. Knows no terminal. How many processes there are nobody knows: it waits as long as one
may take to hear of the question and to answer.
"""

import time
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from bson import ObjectId

from accounts.models import Session
from chat import bridge, roster, stored
from chat.replayed import NOBODY
from chat.services import house
from chat.store import records

Document = dict[str, Any]
WAIT_S: Final = 3.0
"""The house log is looked into every second; the rest is for the answer."""
LOOK_EVERY_S: Final = 0.1
ANSWERS_TTL_S: Final = 600


class Row(NamedTuple):
    """One connection. `address` and `agent` are those of its login, when that is known."""

    username: str
    user: str
    replica: str
    since: datetime
    connection: str
    session: str
    address: str
    agent: str


class Found(NamedTuple):
    """What the processes said. `counts`: connections of each replica; `rows`: at most
    `roster.ROWS_MAX` of each."""

    counts: dict[str, int]
    rows: list[Row]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def ask(
    who: Mapping[str, list[str]], *, away_over_s: float | None = None, expected: int = 0
) -> Found:
    """Ask about those connections; with `away_over_s` they are sent away to come back, spread over
    so long. `expected`: processes after whose answers there is nothing to wait for (0: not known).

    Raises:
        Unavailable: the question could not be stored.
    """
    answers = stored.collection(roster.ANSWERS)
    answers.create_index("at", expireAfterSeconds=ANSWERS_TTL_S)
    question = uuid.uuid4().hex
    bridge.run(
        house.connections_asked(
            ask=question, actor=str(NOBODY), who=dict(who), away_over_s=away_over_s
        )
    )
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
        if expected and answers.count_documents({"ask": question}) >= expected:
            break
    found = list(answers.find({"ask": question}))
    answers.delete_many({"ask": question})
    counts: Counter[str] = Counter()
    for each in found:
        counts[each["replica"]] += each["count"]
    return Found(
        counts=dict(counts),
        rows=_rows([row | {"replica": each["replica"]} for each in found for row in each["rows"]]),
    )


def _rows(told: list[Document]) -> list[Row]:
    ids = {row["session"] for row in told if records.is_object_id(row["session"])}
    logins = Session.objects.in_bulk([ObjectId(id) for id in sorted(ids)])
    known = {str(id): login for id, login in logins.items()}
    rows = []
    for row in told:
        login = known.get(row["session"])
        rows.append(
            Row(
                username=row["username"],
                user=str(row["user"]),
                replica=row["replica"],
                since=row["since"],
                connection=row["connection"],
                session=row["session"],
                address=login.address if login else "",
                agent=login.agent if login else "",
            )
        )
    return sorted(rows)
