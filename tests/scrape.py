"""Owns reading what a replica counts, as Prometheus does. Must not know any test."""

import asyncio
import time
from collections.abc import Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

DEADLINE_S = 30.0

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def read(url: str) -> Samples:
    """Every sample of one replica."""
    async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
        text = (await http.get(f"{url}/metrics")).raise_for_status().text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Counts:
    """How much the counts of one replica differ from what they were: `await Counts.begin(url)`."""

    def __init__(self, url: str, before: Samples) -> None:
        self._url = url
        self._before = before

    @classmethod
    async def begin(cls, url: str) -> "Counts":
        return cls(url, await read(url))

    async def of(self, name: str, **labels: str) -> float:
        """What came to one series since; all of it where it was not there before."""
        key = (name, frozenset(labels.items()))
        return (await read(self._url)).get(key, 0.0) - self._before.get(key, 0.0)

    async def until(self, holds: Callable[[float], bool], name: str, **labels: str) -> float:
        """The same, as soon as it holds; what is counted in passing may be counted a little later.

        Raises:
            AssertionError: it did not come to hold.
        """
        deadline = time.monotonic() + DEADLINE_S
        while not holds(found := await self.of(name, **labels)):
            assert time.monotonic() < deadline, f"{name} {labels} is {found}"
            await asyncio.sleep(0.02)
        return found


async def gauge(url: str, name: str, **labels: str) -> float:
    """A sample as it is now."""
    return (await read(url))[name, frozenset(labels.items())]
