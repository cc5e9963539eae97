"""What is pinned is read from an index that holds nothing else, never by looking through a log."""

import json

import pytest
from bson import ObjectId

from chat.store.store import pinned_in
from chat.stored import collection

pytestmark = pytest.mark.usefixtures("running_services")


def test_the_pins_of_a_room_come_from_their_index() -> None:
    found = collection("chat_event").find(pinned_in(ObjectId()))
    plan = found.sort("n", -1).explain()["queryPlanner"]
    told = json.dumps(plan["winningPlan"], default=str)
    assert '"pins_of_room"' in told
    assert "COLLSCAN" not in told
