"""Owns where a request comes from and by what name it reached us. Knows no person.

Proxies are believed only if `TRUSTED_PROXIES` names them (addresses or networks): then the last
address in `X-Forwarded-For` that is not one of them is the client's.
"""

import functools
import ipaddress
from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def of_request(request: HttpRequest) -> str:
    """The client's address, or "" where there is none (a Unix socket)."""
    return client_address(
        peer=request.META.get("REMOTE_ADDR") or "",
        forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", ""),
        trusted=tuple(settings.TRUSTED_PROXIES),
    )


def origin_of(request: HttpRequest) -> str:
    """Where links in mail lead: the first public origin, else the (allowed) host asked for."""
    origins: Sequence[str] = settings.PUBLIC_ORIGINS
    return origins[0] if origins else f"{request.scheme}://{request.get_host()}"


def client_address(*, peer: str, forwarded_for: str, trusted: Sequence[str]) -> str:
    """Whose request it is, given who connected and what the proxies on the way wrote."""
    client = peer
    for hop in reversed([hop.strip() for hop in forwarded_for.split(",") if hop.strip()]):
        if not _is_trusted(client, tuple(trusted)):
            break
        try:
            client = str(ipaddress.ip_address(hop))
        except ValueError:
            break  # a proxy passes on what it was sent: what is no address ends the chain
    return client


def network(address: str) -> str:
    """What is counted as one address: an IPv6 subscriber has a whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)


def _is_trusted(address: str, trusted: tuple[str, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in _networks(trusted))


@functools.cache
def _networks(trusted: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in trusted)
