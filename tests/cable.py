"""Owns a network cable for tests: bytes between a client and a server, until it is cut.

Must not know any test, nor what goes through it.
"""

import asyncio
from types import TracebackType
from urllib.parse import urlsplit


class Cable:
    """`async with Cable(url) as cable`: `cable.url` leads to `url`, through connections that
    `cut()` breaks without a word to either side."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._to = (parts.hostname, parts.port)
        self._server: asyncio.Server | None = None
        self._streams: set[asyncio.StreamWriter] = set()
        self.cuts = 0

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> "Cable":
        self._server = await asyncio.start_server(self._plugged, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Break what is connected now; new connections go through."""
        self.cuts += 1
        for stream in self._streams:
            stream.transport.abort()

    async def _plugged(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._to)
        both = {writer, there_writer}
        self._streams |= both
        try:
            await asyncio.gather(_carry(reader, there_writer), _carry(there_reader, writer))
        finally:
            self._streams -= both


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass  # cut
    finally:
        writer.close()
