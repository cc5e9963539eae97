"""Owns one peer: FastAPI on uvicorn, with one Redis subscription a socket as in most tutorials.
No storage, no order, no acks. `benchmarks.peers` says how it is run.
"""

import asyncio
import os

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

CHANNEL = "bench.fastapi"
app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"], max_connections=10_000)


async def forward(socket: WebSocket, subscription: PubSub) -> None:
    async for message in subscription.listen():
        if message["type"] == "message":
            await socket.send_text(message["data"].decode())


@app.websocket("/")
async def chat(socket: WebSocket) -> None:
    async with redis.pubsub() as subscription:
        await subscription.subscribe(CHANNEL)
        await socket.accept()
        forwarding = asyncio.create_task(forward(socket, subscription))
        try:
            while True:
                await redis.publish(CHANNEL, await socket.receive_text())
        except WebSocketDisconnect:
            forwarding.cancel()
