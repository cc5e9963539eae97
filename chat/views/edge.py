"""Owns what every page of the chat shares: who asks, and what a refusal looks like.

Knows no page.
"""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec
from urllib.parse import quote

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control

from accounts import identity as identities
from chat import errors

P = ParamSpec("P")
Identity = identities.Identity
Answer = Coroutine[Any, Any, HttpResponse]


def for_people(
    view: Callable[Concatenate[HttpRequest, Identity, P], Answer],
) -> Callable[Concatenate[HttpRequest, P], Answer]:
    """Give the view the asker's identity; send strangers to sign in; translate refusals once."""

    @functools.wraps(view)
    async def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            identity = await identities.identity_from_cookies(request.COOKIES)
            if identity is None:
                there = request.get_full_path() if request.method == "GET" else "/"
                return redirect(f"{settings.LOGIN_URL}?next={quote(there)}")
            response = await view(request, identity, *args, **kwargs)
        except errors.NotFound as error:
            raise Http404 from error
        except errors.Unavailable as error:
            response = render(request, "503.html", {"message": error.message}, status=503)
        except errors.ChatError as error:
            refused = {"message": said(error)}
            response = render(request, "403.html", refused, status=error.http_status)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return wrapped


def said(error: errors.ChatError) -> str:
    """What a person is told of a refusal: what is wrong with the fields, else its message."""
    lines = [line for lines in (error.fields or {}).values() for line in lines]
    return " ".join(lines) or error.message
