"""How many sockets there may be."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from chatsite.server import refusals, sockets
from chatsite.server.admission import Admission, Full


def test_an_address_has_so_many_and_gets_them_back() -> None:
    door = Admission(in_all=100, per_address=2)
    door.enter("1.1.1.1")
    door.enter("1.1.1.1")
    door.enter("2.2.2.2")
    with pytest.raises(Full, match="address") as full:
        door.enter("1.1.1.1")
    assert full.value.bound == "address"
    door.leave("1.1.1.1")
    door.enter("1.1.1.1")


def test_all_together_have_so_many() -> None:
    door = Admission(in_all=2, per_address=2)
    door.enter("1.1.1.1")
    door.enter("2.2.2.2")
    with pytest.raises(Full, match="server") as full:
        door.enter("3.3.3.3")
    assert full.value.bound == "all"
    door.leave("1.1.1.1")
    door.enter("3.3.3.3")


def test_without_a_bound_for_an_address_only_all_together_count() -> None:
    door = Admission(in_all=3, per_address=0)
    for _ in range(3):
        door.enter("1.1.1.1")
    with pytest.raises(Full, match="server"):
        door.enter("1.1.1.1")


@pytest.mark.parametrize(("in_all", "bound"), [(1, "all"), (9, "address")])
async def test_who_is_refused_is_counted_by_whose_bound(in_all: int, bound: str) -> None:
    loop = asyncio.get_running_loop()
    door = Admission(in_all=in_all, per_address=1)
    door.enter("1.1.1.1")
    all_of_them = sockets.Sockets(nobody, admission=door, loop=loop)
    name, label = "parley_sockets_refused_total", {"bound": bound}
    before = REGISTRY.get_sample_value(name, label)
    with pytest.raises(refusals.Refused):
        all_of_them.admit("1.1.1.1")
    assert REGISTRY.get_sample_value(name, label) == (before or 0) + 1


async def nobody(scope: object, receive: object, send: object) -> None:
    """An application that is never asked."""
