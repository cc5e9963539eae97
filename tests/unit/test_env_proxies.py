"""`TRUSTED_PROXIES` names addresses or networks."""

import pytest

from chatsite import env


def test_takes_addresses_and_networks() -> None:
    given = env.load({"TRUSTED_PROXIES": "10.0.0.1, 192.168.1.7/16,::1", "DATA_DIR": "/nowhere"})

    assert given.trusted_proxies == ("10.0.0.1/32", "192.168.0.0/16", "::1/128")


@pytest.mark.parametrize("value", ["nginx", "10.0.0.0/33", "*"])
def test_refuses_anything_else(value: str) -> None:
    with pytest.raises(env.EnvError, match="TRUSTED_PROXIES"):
        env.load({"TRUSTED_PROXIES": value, "DATA_DIR": "/nowhere"})
