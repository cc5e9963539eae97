"""A bot that answers "echo …" in every room it is in. Run: python docs/examples/echo_bot.py"""

import asyncio
import os

from chat.client import Client, Rest


async def main() -> None:
    async with Rest(os.environ["PARLEY_URL"]) as rest:
        me = await rest.login(os.environ["PARLEY_USER"], os.environ["PARLEY_PASSWORD"])
        async with Client(rest.url, rest.token) as chat:
            async for event in chat:
                if event.type != "message.new" or event.room is None:
                    continue
                message = event.data
                if message["sender"]["id"] != me["id"] and message["text"].startswith("echo "):
                    text = message["text"].removeprefix("echo ")
                    await chat.send(event.room, text, reply_to=message["id"])


asyncio.run(main())
