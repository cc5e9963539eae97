"""Owns one peer: FastAPI on uvicorn with one Redis subscription a socket, as most tutorials have it.
No storage, no order, no acks.

Run: `REDIS_URL=… uvicorn --host 127.0.0.1 --port PORT --ws websockets fastapi_redis:app`
"""

import asyncio
import os

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis

CHANNEL = "bench.fastapi"
app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"], max_connections=10_000)


async def forward(socket: WebSocket) -> None:
    async with redis.pubsub() as subscription:
        await subscription.subscribe(CHANNEL)
        async for message in subscription.listen():
            if message["type"] == "message":
                await socket.send_text(message["data"].decode())


@app.websocket("/")
async def chat(socket: WebSocket) -> None:
    await socket.accept()
    forwarding = asyncio.create_task(forward(socket))
    try:
        while True:
            await redis.publish(CHANNEL, await socket.receive_text())
    except WebSocketDisconnect:
        forwarding.cancel()
