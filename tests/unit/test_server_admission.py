"""How many sockets there may be."""

import pytest

from chatsite.server.admission import Admission, Full


def test_an_address_has_so_many_and_gets_them_back() -> None:
    door = Admission(in_all=100, per_address=2)
    door.enter("1.1.1.1")
    door.enter("1.1.1.1")
    door.enter("2.2.2.2")
    with pytest.raises(Full, match="address"):
        door.enter("1.1.1.1")
    door.leave("1.1.1.1")
    door.enter("1.1.1.1")


def test_all_together_have_so_many() -> None:
    door = Admission(in_all=2, per_address=2)
    door.enter("1.1.1.1")
    door.enter("2.2.2.2")
    with pytest.raises(Full, match="server"):
        door.enter("3.3.3.3")
    door.leave("1.1.1.1")
    door.enter("3.3.3.3")


def test_without_a_bound_for_an_address_only_all_together_count() -> None:
    door = Admission(in_all=3, per_address=0)
    for _ in range(3):
        door.enter("1.1.1.1")
    with pytest.raises(Full, match="server"):
        door.enter("1.1.1.1")
