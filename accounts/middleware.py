"""Owns that a page's `request.user` is somebody only while the login behind it lives.

Stands below Django's AuthenticationMiddleware, whose lazy `user` and `auser` it replaces: still
nothing is read before somebody asks.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from accounts import live
from accounts.models import User

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class LiveSessionMiddleware:
    """Works in both worlds; does no input or output itself."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        found: list[User | AnonymousUser] = []

        def user() -> User | AnonymousUser:
            if not found:
                found.append(live.user_of_page(request))
            return found[0]

        lazy: Any = SimpleLazyObject(user)  # stands for the person, as in Django's own
        request.user = lazy
        request.auser = sync_to_async(user)
        return self._get_response(request)
