"""Owns how Parley writes moments. Must not read any clock itself: callers pass `now`.

Stored moments are aware UTC datetimes cut to milliseconds (what MongoDB keeps); on the wire they
are RFC 3339 with exactly three decimals and `Z`.
"""

from datetime import UTC, datetime

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands for "no such moment" in fields that must not be null (the database backend adds costly
null tests to nullable fields)."""

LAST = datetime(9998, 12, 31, tzinfo=UTC)
"""What somebody means who names a moment of the year 9999: later ones stand for `NEVER`."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for "so long ago that it does not matter"."""


def utc_now() -> datetime:
    """The present moment, UTC, cut to the milliseconds that the database keeps."""
    return floor_ms(datetime.now(UTC))


def floor_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def to_wire(moment: datetime) -> str:
    """RFC 3339, UTC, milliseconds: `2026-11-23T09:14:05.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def to_wire_or_none(moment: datetime) -> str | None:
    """As `to_wire`, with `NEVER` as None."""
    return None if moment.year == NEVER.year else to_wire(moment)
