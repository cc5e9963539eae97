"""Owns the wire: `commands` in, `frames` out, `objects` inside both. Knows nothing above it."""

from chat.protocol import commands, frames, objects

__all__ = ["commands", "frames", "objects"]
