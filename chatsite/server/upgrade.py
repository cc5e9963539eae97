"""Owns the opening handshake of a WebSocket (RFC 6455, 4.2): what is asked, and how it is answered.

Pure: knows no socket and no application. Who may open a socket is the application's to say, the
Origin included: a program with a token sends none, or `null`.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final

from chatsite.server import refusals
from chatsite.server.refusals import Refused

VERSION: Final = b"13"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3."""

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, as ASGI has them."""


def is_asked(headers: Headers) -> bool:
    """Whether a request wants to become a WebSocket."""
    return b"websocket" in _tokens(headers, b"upgrade")


def key_of(*, method: bytes, http_version: bytes, headers: Headers, has_body: bool) -> bytes:
    """The key of a handshake that is as the standard wants it.

    Raises:
        Refused: it is not.
    """
    if method != b"GET":
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "A handshake is a GET.", [(b"allow", b"GET")])
    if http_version != b"HTTP/1.1":
        raise Refused(HTTPStatus.BAD_REQUEST, "A handshake is HTTP/1.1.")
    if has_body:
        raise Refused(HTTPStatus.BAD_REQUEST, "A handshake has no body.")
    if b"upgrade" not in _tokens(headers, b"connection"):
        raise Refused(HTTPStatus.BAD_REQUEST, "Connection has to say Upgrade.")
    if len(_values(headers, b"host")) != 1:
        raise Refused(HTTPStatus.BAD_REQUEST, "A handshake names one Host.")
    if _values(headers, b"sec-websocket-version") != [VERSION]:
        raise Refused(
            HTTPStatus.UPGRADE_REQUIRED,
            "WebSocket version 13 is spoken here.",
            [(b"sec-websocket-version", VERSION), (b"upgrade", b"websocket")],
        )
    keys = _values(headers, b"sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        raise Refused(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key is 16 bytes in base64.")
    return keys[0]


def subprotocols(headers: Headers) -> list[str]:
    """What the client can speak, as it prefers it."""
    said = b",".join(_values(headers, b"sec-websocket-protocol")).decode("latin-1")
    return [word.strip() for word in said.split(",") if word.strip()]


def accepted(key: bytes, *, subprotocol: str | None, headers: Headers = ()) -> bytes:
    """The answer that makes a connection a WebSocket. No extension is taken."""
    proof = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return _answer(
        HTTPStatus.SWITCHING_PROTOCOLS,
        [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", proof),
            *([(b"sec-websocket-protocol", subprotocol.encode("latin-1"))] if subprotocol else []),
            *headers,
        ],
    )


def refused(refusal: Refused, *, asked: Headers) -> bytes:
    """The answer that ends a connection which will be no WebSocket."""
    headers, body = refusals.answer(refusal, asked=asked)
    return _answer(refusal.status, [(b"connection", b"close"), *headers]) + body


def _answer(status: HTTPStatus, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", b""])


def _values(headers: Headers, wanted: bytes) -> list[bytes]:
    return [value.strip() for name, value in headers if name == wanted]


def _tokens(headers: Headers, wanted: bytes) -> set[bytes]:
    said = b",".join(_values(headers, wanted)).lower()
    return {token.strip() for token in said.split(b",")}


def _is_key(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False
