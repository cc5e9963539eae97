"""Owns the name of every Redis key and channel-layer group. Knows nothing of what they hold.

All keys start with the database's name, so that two installations can share one Redis.
"""

from django.conf import settings


def room_group(room: str) -> str:
    """The channel-layer group of the processes that have local sockets in a room."""
    return f"room.{room}"


def recent(room: str) -> str:
    """Sorted set: the newest events of a room, score = seq."""
    return f"{settings.MONGODB_NAME}:recent:{room}"


def heads() -> str:
    """Sorted set: room -> the highest seq that anyone said is about to exist or exists."""
    return f"{settings.MONGODB_NAME}:heads"


def turn(room: str) -> str:
    """Whose turn it is to write in a contested room (`chat.turns`)."""
    return f"{settings.MONGODB_NAME}:turn:{room}"


def rate(user: str) -> str:
    """When one person's bucket of messages will be full again, unix microseconds."""
    return f"{settings.MONGODB_NAME}:rate:{user}"


def processes() -> str:
    """Sorted set: the processes that were heard of lately, score = until when that counts."""
    return f"{settings.MONGODB_NAME}:processes"


def presence(user: str) -> str:
    """Sorted set: "<process>.<connection> <state>" of a person, score = when the entry expires."""
    return f"{settings.MONGODB_NAME}:presence:{user}"


def last_seen(user: str) -> str:
    """When a person was last there, unix milliseconds."""
    return f"{settings.MONGODB_NAME}:seen:{user}"


def throttle(name: str, subject: str) -> str:
    """Counter of one throttle (`login`, `register`, …) for one account or address."""
    return f"{settings.MONGODB_NAME}:throttle:{name}:{subject}"


def replicas() -> str:
    """Set: the replicas that said anything of themselves lately."""
    return f"{settings.MONGODB_NAME}:replicas"


def vitals(replica: str) -> str:
    """What a replica last said of itself (`chat.vitals`), encoded."""
    return f"{settings.MONGODB_NAME}:vitals:{replica}"
