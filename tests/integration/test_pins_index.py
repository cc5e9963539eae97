"""What is pinned is read along an index, never by looking through a log."""

import json

import pytest
from bson import ObjectId

from chat import pins
from chat.stored import collection

pytestmark = pytest.mark.usefixtures("running_services")


def test_the_pins_of_a_room_come_from_an_index() -> None:
    found = collection("chat_event").find(pins.found_by(ObjectId()))
    plan = found.sort("n", -1).explain()["queryPlanner"]
    told = json.dumps(plan["winningPlan"], default=str)
    assert '"events_of_message"' in told
    assert "COLLSCAN" not in told
