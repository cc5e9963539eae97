"""Owns the counting of HTTP requests: django-prometheus, less its thread hops and open labels.

Must not change a request or a response. django-prometheus is written for threads: under ASGI Django
would send each of its hooks to a thread and back. They only add to numbers, so here they run where
they are. It also takes any word that a client sends as a method for a label; such requests are
counted in `http_requests_total` as `other` and nowhere else.
"""

from collections.abc import Awaitable
from typing import Any, cast

from django.http import HttpRequest, HttpResponseBase
from django_prometheus import middleware

from metrics import instruments, labels


class BeforeMiddleware(middleware.PrometheusBeforeMiddleware):  # type: ignore[misc]  # no types there
    """Stands first: counts every request and its whole time."""

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        self.process_request(request)
        response = await cast(Awaitable[HttpResponseBase], self.get_response(request))
        return self.process_response(request, response)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        instruments.http_requested(request.method or "", response.status_code)
        return cast(HttpResponseBase, super().process_response(request, response))


class AfterMiddleware(middleware.PrometheusAfterMiddleware):  # type: ignore[misc]  # no types there
    """Stands last: counts by view, status and method."""

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in labels.HTTP_METHODS:
            return await cast(Awaitable[HttpResponseBase], self.get_response(request))
        self.process_request(request)
        response = await cast(Awaitable[HttpResponseBase], self.get_response(request))
        return cast(HttpResponseBase, self.process_response(request, response))

    def __call__(self, request: HttpRequest) -> Any:
        if not self.async_mode and request.method not in labels.HTTP_METHODS:
            return self.get_response(request)
        return super().__call__(request)

    # Django sends hooks that are not coroutines to a thread; these do not wait for anything.

    async def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> None:
        if request.method in labels.HTTP_METHODS:
            super().process_view(request, view_func, *view_args, **view_kwargs)

    async def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        if request.method in labels.HTTP_METHODS:
            super().process_exception(request, exception)

    async def process_template_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        return response
