"""Owns how static files reach browsers: WhiteNoise, without its thread hop, compressed.

WhiteNoise finds the files at the start and knows their headers; its own middleware would send each
one through a thread and compresses only what a build step collected. Here bodies are kept in
memory, compressed when first asked for. Bound: the files that were there at the start.
"""

import re
import zlib
from collections.abc import Awaitable
from typing import Any, Final

import brotli
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

from chatsite.build import NAME_CHARS

BROTLI_QUALITY: Final = 9  # a few milliseconds a file; 11 saves 3 % more at ten times that
GZIP_LEVEL: Final = 9
GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS  # zlib's way to say gzip
WORTH_BYTES: Final = 512
COMPRESSED: Final = re.compile(r"text/|application/(?:javascript|json)|image/svg")
NO_CACHE: Final = "no-cache"


class StaticsMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """See the module. Stands before everything that needs a thread."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self._bodies: dict[tuple[str, str], bytes] = {}
        self._is_async = iscoroutinefunction(get_response)
        # The address of another build, or of none.
        root = settings.STATIC_URL[: -NAME_CHARS - 1]
        self._elsewhere = re.compile(rf"{re.escape(root)}(?:[0-9a-f]{{{NAME_CHARS}}}/)?(.+)")
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._async_call(request)
        answer: HttpResponseBase = self._found(request) or self.get_response(request)
        return answer

    async def _async_call(self, request: HttpRequest) -> HttpResponseBase:
        answer: HttpResponseBase = self._found(request) or await self.get_response(request)
        return answer

    def immutable_file_test(self, path: str, url: str) -> bool:
        """Whether what is at this address never changes: the address names the build."""
        return url.startswith(settings.STATIC_URL)

    def _found(self, request: HttpRequest) -> HttpResponse | None:
        here = self.files.get(request.path_info)
        if here is not None:
            return self._answer(here, request, is_lasting=True)
        # While replicas of two builds run side by side, each is asked for files of the other's.
        elsewhere = self._elsewhere.fullmatch(request.path_info)
        other = self.files.get(f"{settings.STATIC_URL}{elsewhere[1]}") if elsewhere else None
        return None if other is None else self._answer(other, request, is_lasting=False)

    def _answer(self, file: Any, request: HttpRequest, *, is_lasting: bool) -> HttpResponse:
        is_read = request.method in ("GET", "HEAD")
        told = file.get_response("HEAD" if is_read else request.method, request.META | NO_RANGE)
        answer = HttpResponse(status=int(told.status))
        del answer["Content-Type"]
        for name, value in told.headers:
            answer[name] = value
        if not is_lasting:
            answer["Cache-Control"] = NO_CACHE
        if answer.status_code == 200:
            self._fill(answer, file.alternatives[-1][1], request)
        return answer

    def _fill(self, answer: HttpResponse, path: str, request: HttpRequest) -> None:
        encoding = ""
        if COMPRESSED.match(answer["Content-Type"]) and int(answer["Content-Length"]) > WORTH_BYTES:
            answer["Vary"] = "Accept-Encoding"
            encoding = _encoding_for(request.META.get("HTTP_ACCEPT_ENCODING", ""))
        body = self._bodies.get((path, encoding))
        if body is None:
            body = self._bodies[path, encoding] = _read(path, encoding)
        if encoding:
            answer["Content-Encoding"] = encoding
        answer["Content-Length"] = str(len(body))
        if request.method == "GET":
            answer.content = body


NO_RANGE: Final = {"HTTP_RANGE": ""}
"""A range may be ignored: nothing here is so large that a part of it is worth asking for."""


def _encoding_for(accepted: str) -> str:
    offered = [part.strip().split(";") for part in accepted.split(",")]
    names = {name.strip() for name, *weight in offered if "q=0" not in [w.strip() for w in weight]}
    return next((name for name in ("br", "gzip") if name in names), "")


def _read(path: str, encoding: str) -> bytes:
    with open(path, "rb") as file:
        content = file.read()
    match encoding:
        case "br":
            return bytes(brotli.compress(content, quality=BROTLI_QUALITY))
        case "gzip":
            packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
            return packer.compress(content) + packer.flush()
        case _:
            return content
