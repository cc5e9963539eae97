"""Owns what every reply carries: a request id, the security headers, no caching of API answers;
and that no request carries too large a body.

Knows no view. Works in both worlds without a thread hop; stands outermost, below the counting.
"""

from collections.abc import Awaitable, Callable
from contextvars import Token
from typing import Final, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware import common
from django.utils.decorators import async_only_middleware, sync_only_middleware

from chat import errors
from chatsite import replies, request_ids
from metrics import logs

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

PARTS: Final = ("text/javascript", "text/css")
"""Never a document: its policies would be a quarter of the weight of a page's scripts."""
PERMISSIONS_POLICY: Final = (
    "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
    "payment=(), usb=()"
)


FROM_INSIDE: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by who looks after a replica, at whatever address it has today: no setting knows that one.
They answer nothing that depends on the name by which they were asked."""


class CommonMiddleware(common.CommonMiddleware):
    """Django's, which refuses hosts that are not in `ALLOWED_HOSTS`; but not for `FROM_INSIDE`."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if request.path in FROM_INSIDE else super().process_request(request)


@async_only_middleware
def on_the_loop(get_response: GetResponse) -> GetResponse:
    """What stands above is on the loop, what stands below down to `in_one_thread` is not.

    Each of Django's own middlewares would be sent to a thread and back, some of them twice.
    """
    return get_response


@sync_only_middleware
def in_one_thread(get_response: GetResponse) -> GetResponse:
    """Stands last: see `on_the_loop`. Below, each view is where it belongs."""
    return get_response


class RequestMiddleware:
    """See the module."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._async_call(request)
        token = _begin(request)
        try:
            response = _refused(request) or self._get_response(request)
            return _finish(request, cast(HttpResponseBase, response))
        finally:
            logs.request_id.reset(token)

    async def _async_call(self, request: HttpRequest) -> HttpResponseBase:
        token = _begin(request)
        try:
            response = _refused(request)
            if response is None:
                response = await cast(Awaitable[HttpResponseBase], self._get_response(request))
            return _finish(request, response)
        finally:
            logs.request_id.reset(token)


def content_security_policy(*, host: str, secure: bool) -> str:
    """Only our own files, nothing inline; sockets to this very host.

    `'self'` alone does not cover sockets in every browser that we support, so they are named.
    """
    sockets = "" if not host else f" wss://{host}" if secure else f" ws://{host} wss://{host}"
    return (
        "default-src 'self'; base-uri 'none'; "
        f"connect-src 'self'{sockets}; "
        "font-src 'self'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; "
        "object-src 'none'; script-src 'self'; style-src 'self'"
    )


def _begin(request: HttpRequest) -> Token[str]:
    found = request_ids.of(request.headers.get(request_ids.HEADER, ""))
    request.META[logs.REQUEST_ID_KEY] = found  # for what Django logs of it when we are through
    return logs.request_id.set(found)


def _refused(request: HttpRequest) -> HttpResponseBase | None:
    """The answer to a body that is too large. A body sent in chunks is measured, and its length
    written down, as DRF takes a request without one for empty."""
    try:
        declared = request.META.get("CONTENT_LENGTH") or ""
        if declared.isdecimal() and int(declared) > settings.BODY_MAX_BYTES:
            raise RequestDataTooBig
        if not declared and "HTTP_TRANSFER_ENCODING" in request.META:
            request.META["CONTENT_LENGTH"] = str(len(request.body))
    except RequestDataTooBig:
        most = settings.BODY_MAX_BYTES // 1024
        return replies.reply(request, errors.TooLarge(f"A request has at most {most} KiB."))
    return None


def _finish(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    headers = response.headers
    headers[request_ids.HEADER] = logs.request_id.get()
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if headers.get("Content-Type", "").startswith(PARTS):
        return response
    try:
        host = request.get_host()
    except DisallowedHost:
        host = ""  # it is being refused, and is not repeated in a header
    headers.setdefault(
        "Content-Security-Policy", content_security_policy(host=host, secure=request.is_secure())
    )
    headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
    headers.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
    headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
    if replies.is_api(request):
        headers.setdefault("Cache-Control", "no-store")
    return response
