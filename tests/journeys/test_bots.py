"""The bot of docs/bots.md, as it stands there."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

from chat.client import Client
from chatsite import env
from tests.cluster import PASSWORD, Person

EXAMPLE = env.BASE_DIR / "docs" / "examples" / "echo_bot.py"


async def test_the_echo_bot_answers(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLE)),
        env={
            "PARLEY_URL": alice.cluster.urls[1],
            "PARLEY_USER": bob.username,
            "PARLEY_PASSWORD": PASSWORD,
            "PYTHONPATH": str(env.BASE_DIR),
        },
    )
    try:
        async with alice.chat() as hers, asyncio.timeout(90):
            asked: set[str] = set()
            answer: Mapping[str, Any] = {}
            while not answer:  # the bot answers what it hears, and may come after the first
                asked.add((await hers.send(room, "echo hello"))["message"]["id"])
                try:
                    async with asyncio.timeout(2):
                        answer = await anext(answers(hers, bob.id))
                except TimeoutError:
                    continue
            assert answer["text"] == "hello"
            assert answer["reply_to"]["id"] in asked
    finally:
        process.terminate()
        await process.wait()


async def answers(chat: Client, sender: str) -> AsyncIterator[Mapping[str, Any]]:
    async for event in chat:
        if event.type == "message.new" and event.data["sender"]["id"] == sender:
            yield event.data


def test_the_page_shows_the_example_as_it_is() -> None:
    code = EXAMPLE.read_text().split('"""\n\n', 1)[1]
    assert code in (env.BASE_DIR / "docs" / "bots.md").read_text()
