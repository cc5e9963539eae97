"""Owns how many sockets there are, by address and in all. Pure: knows no socket.

Counted are handshakes too, from when they are complete until their connection is gone.
"""

from collections import Counter


class Full(Exception):
    """No socket more. The message is one line for people; `bound`: for this "address", or "all"."""

    def __init__(self, words: str, *, bound: str) -> None:
        super().__init__(words)
        self.bound = bound


class Admission:
    """Counts sockets against two bounds; 0 as `per_address` sets none."""

    def __init__(self, *, in_all: int, per_address: int) -> None:
        self.in_all = in_all
        self.per_address = per_address
        self._by_address: Counter[str] = Counter()
        self._count = 0

    def enter(self, address: str) -> None:
        """Count one more.

        Raises:
            Full: there are as many as there may be; it was not counted.
        """
        if self._count >= self.in_all:
            raise Full("This server has as many connections as it takes.", bound="all")
        if self.per_address and self._by_address[address] >= self.per_address:
            said = "Your address has as many connections as it may have."
            raise Full(said, bound="address")
        self._count += 1
        self._by_address[address] += 1

    def leave(self, address: str) -> None:
        """Count one less, of those that entered."""
        self._count -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
