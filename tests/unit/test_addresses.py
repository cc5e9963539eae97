"""Whose request it is."""

import pytest
from django.test import RequestFactory, override_settings

from chatsite import addresses

PROXIES = ("10.0.0.0/8", "192.0.2.1")


def client(peer: str, forwarded_for: str = "", trusted: tuple[str, ...] = PROXIES) -> str:
    return addresses.client_address(peer=peer, forwarded_for=forwarded_for, trusted=trusted)


def test_is_of_who_connected() -> None:
    assert client("203.0.113.9") == "203.0.113.9"


def test_does_not_believe_a_stranger() -> None:
    assert client("203.0.113.9", "198.51.100.1") == "203.0.113.9"


def test_believes_no_proxy_unless_one_is_named() -> None:
    assert client("10.0.0.1", "198.51.100.1", trusted=()) == "10.0.0.1"


def test_is_of_the_last_hop_that_is_no_proxy_of_ours() -> None:
    assert client("10.0.0.1", "1.1.1.1, 198.51.100.1, 192.0.2.1") == "198.51.100.1"


@pytest.mark.parametrize("forwarded_for", ["", ", ,", "unknown", "<script>", "198.51.100.1, _x"])
def test_stays_with_the_proxy_when_it_passes_on_no_address(forwarded_for: str) -> None:
    assert client("10.0.0.1", forwarded_for) == "10.0.0.1"


def test_is_the_ipv6_address_that_a_trusted_proxy_passes_on() -> None:
    assert client("::1", "2001:db8::5", trusted=("::1",)) == "2001:db8::5"


def test_is_nobody_on_a_unix_socket() -> None:
    assert client("") == ""


def test_leads_mail_to_the_public_origin_whatever_host_was_asked_for() -> None:
    request = RequestFactory().get("/", headers={"host": "localhost:8000"})

    assert addresses.origin_of(request) == "http://localhost:8000"
    with override_settings(PUBLIC_ORIGINS=["https://chat.example.org"]):
        assert addresses.origin_of(request) == "https://chat.example.org"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("", "unknown"),
    ],
)
def test_takes_a_subscribers_network_for_one_address(address: str, network: str) -> None:
    assert addresses.network(address) == network
