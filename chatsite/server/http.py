"""Owns the HTTP edge: Daphne's requests with bounds, and handing a connection over to a WebSocket.

Knows one route, that of the sockets, because it is told. Twisted reads the requests; once a
handshake is complete its socket is taken out of Twisted, and nothing of that stays behind.
"""

import io
import socket
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from daphne.http_protocol import WebRequest
from daphne.utils import HEADER_NAME_RE, INVALID_HEADER_VALUE_BYTES
from twisted.internet import reactor as _installed
from twisted.web import http as twisted_http

from chatsite import addresses
from chatsite.server import refusals, upgrade
from chatsite.server.sockets import Sockets

HEAD_TIMEOUT_S: Final = 10
"""From the first byte of a request to the end of its headers."""
BODY_TIMEOUT_S: Final = 60
HEADERS_MAX: Final = 100
HEAD_MAX_BYTES: Final = 16 * 1024
BODY_READ_MAX_BYTES: Final = 8 * 1024 * 1024
"""A body larger than the application takes is read and forgotten up to here, so that the client
gets to see its answer."""

_reactor: Any = _installed  # Twisted types it as the module that it replaces
_HTTPChannel: Any = twisted_http.HTTPChannel  # of which Twisted types half


class Channel(_HTTPChannel):  # type: ignore[misc]  # see above
    """One connection that speaks HTTP, with a time for each of its steps."""

    maxHeaders = HEADERS_MAX
    totalHeadersSize = HEAD_MAX_BYTES
    _due: Any = None

    def connectionMade(self) -> None:
        self.requestFactory = Request  # Daphne's factory has set its own
        super().connectionMade()
        self._allow(HEAD_TIMEOUT_S)

    def dataReceived(self, data: bytes) -> None:
        if self._due is None and not self._handlingRequest:
            self._allow(HEAD_TIMEOUT_S)
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        self._allow(BODY_TIMEOUT_S)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        self._allow(None)
        super().allContentReceived()

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(
            refusals.Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "That line is too long.")
        )

    def connectionLost(self, reason: Any) -> None:
        self._allow(None)
        super().connectionLost(reason)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(refusals.Refused(HTTPStatus.BAD_REQUEST, "This is no request of HTTP."))

    def refuse(self, refusal: refusals.Refused, *, asked: upgrade.Headers = ()) -> None:
        """Answer by ourselves and end the connection."""
        self._allow(None)
        self.transport.write(upgrade.refused(refusal, asked=asked))
        self.loseConnection()

    def released(self) -> tuple[socket.socket, bytes]:
        """The socket, of which Twisted knows nothing any more, and what was read behind the
        request."""
        early: bytes = self.clearLineBuffer()
        self.setTimeout(None)
        self._networkProducer.unregisterProducer()
        self.transport.stopReading()
        self.transport.stopWriting()
        kept = socket.socket(fileno=self.transport.socket.detach())
        self.transport.connected = False
        return kept, early

    def _allow(self, seconds: int | None) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = None if seconds is None else _reactor.callLater(seconds, self.break_off)

    def break_off(self) -> None:
        """End the connection in the middle of whatever goes on."""
        self._due = None
        self.transport.abortConnection()


class Request(WebRequest):  # type: ignore[misc]  # daphne has no types
    """One request. What is no handshake goes Daphne's way."""

    def gotLength(self, length: int | None) -> None:
        self.content = io.BytesIO()
        self._came = 0
        if length is not None and length > BODY_READ_MAX_BYTES:
            self._refuse_body()

    def handleContentChunk(self, data: bytes) -> None:
        # One byte more than is taken: the application has to see that it is too much.
        keep = self.server.body_max_bytes + 1 - self.content.tell()
        self.content.write(data[: max(0, keep)])
        self._came += len(data)
        if self._came > BODY_READ_MAX_BYTES:
            self._refuse_body()

    def process(self) -> Any:
        headers = self._headers()
        if not upgrade.is_asked(headers):
            return super().process()
        try:
            self._hand_over(headers)
        except refusals.Refused as refusal:
            self.server.protocol_disconnected(self)
            self.channel.refuse(refusal, asked=headers)
        return None

    def handle_reply(self, message: Mapping[str, Any]) -> None:
        self._said_at = time.monotonic()
        super().handle_reply(message)

    def check_timeouts(self) -> None:
        """An answer has its time until it begins, and again after each piece. One that stops in its
        middle is broken off: Daphne would end it as if it were whole."""
        if not self._response_started:
            super().check_timeouts()
        elif time.monotonic() - self._said_at > self.server.http_timeout and not self.finished:
            self.channel.break_off()

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """What Daphne answers by itself, said as everything else is."""
        words = "Something broke." if status == HTTPStatus.INTERNAL_SERVER_ERROR else body
        refusal = refusals.Refused(HTTPStatus(status), words)
        headers, content = refusals.answer(refusal, asked=self._headers())
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": content})

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (name.lower(), value)
            for name, values in self.requestHeaders.getAllRawHeaders()
            for value in values
        ]

    def _hand_over(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Make this connection a WebSocket.

        Raises:
            Refused: it cannot be one.
        """
        sockets: Sockets = self.server.sockets
        if any(
            not HEADER_NAME_RE.fullmatch(name) or INVALID_HEADER_VALUE_BYTES.intersection(value)
            for name, value in headers
        ):
            raise refusals.Refused(HTTPStatus.BAD_REQUEST, "A header that cannot be.")
        key = upgrade.key_of(
            method=self.method,
            http_version=self.clientproto,
            headers=headers,
            has_body=self._came > 0,
        )
        if self.channel.transport in _reactor.getWriters():
            raise refusals.Refused(HTTPStatus.BAD_REQUEST, "The last answer was not read yet.")
        try:
            path, _, query = self.uri.decode("ascii").partition("?")
        except UnicodeDecodeError:
            raise refusals.Refused(HTTPStatus.BAD_REQUEST, "An address is ASCII.") from None
        if unquote(path) != self.server.sockets_at:
            raise refusals.Refused(HTTPStatus.NOT_FOUND, "There is no WebSocket here.")
        peer, host = self.channel.getPeer(), self.channel.getHost()
        address = addresses.client_address(
            peer=peer.host,
            forwarded_for=", ".join(
                value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"
            ),
            trusted=self.server.trusted_proxies,
        )
        counted_as = addresses.network(address)
        sockets.admit(counted_as)
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            # Names with `_` could pass for others in a WSGI world (CVE-2015-0219).
            "headers": [(name, value) for name, value in headers if b"_" not in name],
            "client": [peer.host, peer.port],
            "server": [host.host, host.port],
            "subprotocols": upgrade.subprotocols(headers),
        }
        connected, early = self.channel.released()
        self.server.protocol_disconnected(self)
        sockets.take(connected, key=key, scope=scope, early=early, address=counted_as)

    def _refuse_body(self) -> None:
        refusal = refusals.Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is too much.")
        self.channel.refuse(refusal, asked=self._headers())
