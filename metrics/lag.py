"""Owns measuring how late the event loop is. Knows nothing of what keeps it busy."""

import asyncio
from typing import Final

from metrics import instruments

EVERY_S: Final = 0.05


async def measure() -> None:
    """Sleep a little again and again, and tell how late the end of it came, until cancelled."""
    now = asyncio.get_running_loop().time
    while True:
        due = now() + EVERY_S
        await asyncio.sleep(EVERY_S)
        instruments.loop_lagged(max(0.0, now() - due))
