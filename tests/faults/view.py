"""Owns what one client shows of its rooms, and notices at once what no client should see.

Pure: applies docs/protocol.md to frames that are handed in; knows no socket. Nothing is mended here
(no reordering, no dropping of doubles): whatever the server sends in a wrong order stays wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Track:
    """One room in one view: everything after `start` up to `last` but `missing` was shown."""

    start: int
    last: int
    missing: set[int] = field(default_factory=set)
    shown: int = 0
    twice: int = 0
    disorder: int = 0
    resets: int = 0
    left: bool = False


class Truth:
    """What the first view that showed an event of a room showed; all views have to agree.

    `token`: the first word of a message, "" for other events.
    """

    def __init__(self) -> None:
        self.rooms: dict[str, dict[int, str]] = {}

    def agrees(self, room: str, seq: int, token: str) -> bool:
        return self.rooms.setdefault(room, {}).setdefault(seq, token) == token


class View:
    """What one person's client shows. `cursors` is what it resumes from."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self.tracks: dict[str, Track] = {}
        self.strays = 0
        """Events of rooms that one was not in."""

    def cursors(self) -> dict[str, int]:
        return {room: track.last for room, track in self.tracks.items() if not track.left}

    def greet(self, heads: Mapping[str, int]) -> None:
        """`hello` came: rooms not known go on from there; rooms not named are no longer ours."""
        for room, head in heads.items():
            track = self.tracks.get(room)
            if track is None or track.left:
                self.tracks[room] = Track(start=head, last=head)
        for room, track in self.tracks.items():
            track.left = track.left or room not in heads

    def add(self, room: str, head: int) -> None:
        """`room.added`."""
        track = self.tracks.get(room)
        if track is None or track.left:
            self.tracks[room] = Track(start=head, last=head)

    def remove(self, room: str) -> None:
        """`room.removed`."""
        if room in self.tracks:
            self.tracks[room].left = True

    def reset(self, room: str, head: int) -> None:
        """`room.reset`: too far behind; what is before `head` is fetched as a page."""
        track = self.tracks.get(room)
        if track is None:
            self.strays += 1
            return
        track.resets += 1
        if head < track.last:
            track.disorder += 1
        track.missing.clear()
        track.start = track.last = max(head, track.last)

    def show(self, room: str, seq: int, token: str) -> None:
        """A durable event came: it is shown, wherever it belongs."""
        track = self.tracks.get(room)
        if track is None or track.left:
            self.strays += 1
            return
        track.shown += 1
        if seq == track.last + 1:
            track.last = seq
        elif seq > track.last:
            track.missing.update(range(track.last + 1, seq))
            track.last = seq
        elif seq in track.missing:
            track.missing.discard(seq)
            track.disorder += 1
        else:
            track.twice += 1
        if not self._truth.agrees(room, seq, token):
            track.disorder += 1
