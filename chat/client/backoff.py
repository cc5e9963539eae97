"""Owns how long a client waits before it tries again. Pure: chance is an argument."""

import random
from collections.abc import Callable

FIRST_S = 0.5
MAX_S = 20.0
"""Full jitter between 0 and a bound that doubles from the first to the last of these
(docs/protocol.md, "Close codes")."""


def delay_s(attempt: int, *, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait before try number `attempt` (from 0): anything up to the bound, so that
    thousands who lost their connection together do not come back together."""
    bound_s: float = min(MAX_S, FIRST_S * 2 ** min(attempt, 10))
    return chance() * bound_s
