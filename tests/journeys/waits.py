"""What takes a clock's time and nothing of the machine: tests/runs has it run beside other things.

pytest finds no tests here unless it is given this file.
"""

import time

from bson import ObjectId

from chat.client import uuid7
from chatsite import mongo, times
from tests import stalls, wire
from tests.cluster import Cluster, Person


async def test_a_heartbeat_names_the_head_of_every_room(alice: Person) -> None:
    room = await alice.channel()
    async with await alice.wire() as socket:
        hello = await socket.push("hello")
        assert hello["data"]["heartbeat_s"] == 25
        ack = await socket.ask("message.send", {"room": room, "id": uuid7(), "text": "hello"})
        beat = await socket.push("heartbeat", within_s=27)
        assert beat["data"]["heads"][room] == ack["data"]["message"]["seq"]


async def test_ten_seconds_of_silence_close_the_socket(cluster: Cluster) -> None:
    began = time.monotonic()
    async with await wire.open_bare(cluster.urls[0]) as socket:
        with stalls.Clock() as clock:
            assert await socket.closed() == 4401
    assert time.monotonic() - began >= 10 - stalls.TICK_S
    assert clock.s <= 12


async def test_a_login_that_nobody_says_has_ended_closes_its_socket(alice: Person) -> None:
    logins = mongo.database().accounts_session
    async with await alice.wire() as socket:
        await socket.push("hello")
        ended = {"revoked_at": times.utc_now()}
        await logins.update_many({"user_id": ObjectId(alice.id)}, {"$set": ended})
        async with stalls.limit(65):  # two rounds of `chat.recheck` and a little
            await socket.socket.wait_closed()
        assert await socket.closed() == 4401
