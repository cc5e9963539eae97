"""Reading together what many ask for at once: `chatsite.gathered`."""

import asyncio

import pytest

from chatsite.gathered import Gathered


class Reads:
    """A read that is told when to answer, and notes what it was asked for."""

    def __init__(self, *, most: int = 20) -> None:
        self.asked: list[list[int]] = []
        self.begun = asyncio.Event()
        self.answers = asyncio.Event()
        self.there = {key: f"value {key}" for key in range(100)}
        self.gathered: Gathered[int, str] = Gathered(self.read, most=most)

    async def read(self, keys: list[int]) -> dict[int, str]:
        self.asked.append(keys)
        self.begun.set()
        there = {key: self.there[key] for key in keys if key in self.there}
        await self.answers.wait()
        return there


async def test_the_first_goes_at_once_and_those_that_come_meanwhile_together() -> None:
    reads = Reads()
    first = reads.gathered.get(1)
    await reads.begun.wait()
    others = [reads.gathered.get(key) for key in (2, 3, 2)]
    reads.answers.set()
    assert [await one for one in (first, *others)] == ["value 1", "value 2", "value 3", "value 2"]
    assert reads.asked == [[1], [2, 3]]


async def test_no_answer_is_older_than_its_question() -> None:
    reads = Reads()
    first = reads.gathered.get(1)
    await reads.begun.wait()
    reads.there[1] = "changed"
    second = reads.gathered.get(1)
    reads.answers.set()
    assert (await first, await second) == ("value 1", "changed")


async def test_what_there_is_not_is_none_and_left_out_of_several() -> None:
    reads = Reads()
    reads.answers.set()
    assert await reads.gathered.get(1_000) is None
    assert await reads.gathered.get_all([1, 1_000]) == {1: "value 1"}
    assert await reads.gathered.get_all([]) == {}


async def test_at_most_so_many_keys_are_in_one_read() -> None:
    reads = Reads(most=2)
    reads.answers.set()
    assert len(await reads.gathered.get_all(range(5))) == 5
    assert reads.asked == [[0, 1], [2, 3], [4]]


async def test_who_gives_up_takes_the_answer_from_nobody() -> None:
    reads = Reads()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await reads.gathered.get_all([1, 2])
    still = reads.gathered.get(1)
    reads.answers.set()
    assert await still == "value 1"


async def test_a_failure_is_told_to_those_who_asked_and_the_next_read_goes_on() -> None:
    async def read(keys: list[int]) -> dict[int, str]:
        if keys == [1]:
            raise ConnectionError("no database")
        return dict.fromkeys(keys, "there")

    gathered: Gathered[int, str] = Gathered(read, most=1)
    asked = [gathered.get(1), gathered.get(2), gathered.get(1)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in found] == [ConnectionError, str, ConnectionError]
    assert await gathered.get(3) == "there"
