"""Owns the chat's pages: each view validates, makes one call and answers with a page or a redirect.

Must not know how anything is stored or sent. Everything here works without JavaScript; with it, the
browser takes over from the page that `_chat` rendered.
"""

import functools
import uuid
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import identity as identities
from accounts import selectors as people
from chat import errors, limits, pages, selectors, services

ROOM_COOKIE: Final = "parley_room"
"""The room last looked at; the browser keeps it when it changes rooms by itself."""
ZONE_COOKIE: Final = "parley_tz"
"""The browser's time zone by its IANA name, so that days divide where its owner's days do."""
MODULES: Final = tuple(
    sorted(
        path.stem
        for path in Path(settings.STATICFILES_DIRS[0], "js").glob("*.js")
        if path.stem != "types"  # for the type checker alone
    )
)
"""The browser's modules, so that it can ask for all of them at once."""

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
            response = render(request, "403.html", {"message": error.message}, status=403)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return wrapped


@require_safe
@for_people
async def home(request: HttpRequest, identity: Identity) -> HttpResponse:
    """The chat, with the room that was open last, else the first there is."""
    rooms = selectors.plain(await selectors.rooms_mine(identity))
    wanted = request.COOKIES.get(ROOM_COOKIE, "")
    listed = [room for section in pages.sections_of(rooms) for room in section["rooms"]]
    opened = next((room for room in listed if room["id"] == wanted), listed[0] if listed else None)
    return await _chat(request, identity, rooms=rooms, opened=opened)


@require_safe
@for_people
async def room(request: HttpRequest, identity: Identity, room: str) -> HttpResponse:
    """The chat with this room open; `?n=` around one message, `?before_n=` for older ones."""
    rooms, opened = await _rooms_with(identity, room)
    return await _chat(request, identity, rooms=rooms, opened=opened)


@require_POST
@for_people
async def send(request: HttpRequest, identity: Identity, room: str) -> HttpResponse:
    """Send without JavaScript. The form carries the message's id, so sending twice stores one."""
    text = request.POST.get("text", "")
    try:
        await services.message_send(
            identity,
            room=room,
            id=request.POST.get("id", "") or str(uuid.uuid4()),
            text=text.replace("\r\n", "\n"),
        )
    except errors.NotFound:
        raise
    except errors.ChatError as error:
        rooms, opened = await _rooms_with(identity, room)
        refused = {"send_error": _said(error), "send_text": text}
        page = await _chat(request, identity, rooms=rooms, opened=opened, extra=refused)
        page.status_code = error.http_status
        return page
    return redirect("chat:room", room=room)


@require_POST
@for_people
async def leave(request: HttpRequest, identity: Identity, room: str) -> HttpResponse:
    await services.room_leave(identity, room=room)
    return redirect("chat:home")


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
async def create(request: HttpRequest, identity: Identity) -> HttpResponse:
    """Make a channel or a private group."""
    if request.method != "POST":
        return render(request, "create.html", {"values": {}, "errors": {}})
    values = {name: request.POST.get(name, "").strip() for name in ("name", "topic", "kind")}
    try:
        made = await services.room_create(
            identity, kind=values["kind"], name=values["name"], topic=values["topic"]
        )
    except errors.ChatError as error:
        context = {"values": values, "errors": _by_field(error)}
        return render(request, "create.html", context, status=error.http_status)
    return redirect("chat:room", room=made)


@require_safe
@for_people
async def browse(request: HttpRequest, identity: Identity) -> HttpResponse:
    """The channels that one may join."""
    return await _browse(request, identity)


@require_POST
@for_people
async def join(request: HttpRequest, identity: Identity) -> HttpResponse:
    wanted = request.POST.get("room", "")
    try:
        await services.room_join(identity, room=wanted)
    except errors.ChatError as error:
        return await _browse(request, identity, refused=error)
    return redirect("chat:room", room=wanted)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
async def direct(request: HttpRequest, identity: Identity) -> HttpResponse:
    """Find somebody (GET ?q=) and open the direct room with them (POST user)."""
    refused: errors.ChatError | None = None
    if request.method == "POST":
        try:
            opened, _ = await services.direct_open(identity, user_ids=request.POST.getlist("user"))
        except errors.ChatError as error:
            refused = error
        else:
            return redirect("chat:room", room=opened)
    q = request.GET.get("q", "")[: people.QUERY_MAX_CHARS]
    found = await sync_to_async(people.users_search)(q=q, cursor="")
    others = [person for person in found["results"] if person["id"] != identity.user_id]
    context = {"q": q, "results": others, "error": _said(refused) if refused else ""}
    return render(request, "direct.html", context, status=refused.http_status if refused else 200)


async def _browse(
    request: HttpRequest, identity: Identity, *, refused: errors.ChatError | None = None
) -> HttpResponse:
    q = request.GET.get("q", "")
    page = await selectors.rooms_public(identity, q=q, cursor=request.GET.get("cursor", ""))
    context = {
        "q": q,
        "results": selectors.plain(page.results),
        "next_cursor": page.next_cursor,
        "error": _said(refused) if refused else "",
    }
    return render(request, "browse.html", context, status=refused.http_status if refused else 200)


async def _rooms_with(identity: Identity, wanted: str) -> tuple[list[pages.Wire], pages.Wire]:
    """One's rooms and the wanted one of them.

    Raises:
        NotFound: not one of them: the same for a room that does not exist and one not ours.
    """
    rooms = selectors.plain(await selectors.rooms_mine(identity))
    for mine in rooms:
        if mine["id"] == wanted:
            return rooms, pages.room_of(mine)
    raise errors.NotFound


async def _chat(
    request: HttpRequest,
    identity: Identity,
    *,
    rooms: list[pages.Wire],
    opened: pages.Wire | None,
    extra: dict[str, Any] | None = None,
) -> HttpResponse:
    zone = pages.zone_named(request.COOKIES.get(ZONE_COOKIE, ""))
    me = pages.person_of(
        {
            "id": identity.user_id,
            "username": identity.username,
            "display_name": identity.display_name,
            "avatar": identity.avatar,
        }
    )
    page: pages.Wire | None = None
    context: dict[str, Any] = {}
    if opened is not None:
        page = await _page_of(request, identity, opened["id"])
        href = reverse("chat:room", args=[opened["id"]])
        context = {
            "rows": pages.rows_of(
                page["results"],
                me=identity.user_id,
                read_n=opened["read_n"],
                href=href,
                zone=zone,
                today=datetime.now(zone).date(),
            ),
            "has_before": page["has_before"],
            "older_href": f"{href}?before_n={page['results'][0]['n']}" if page["results"] else "",
        }
    context |= {
        "me": me,
        "room": opened,
        "open_id": opened["id"] if opened else "",
        "sections": pages.sections_of(rooms),
        "blank_row": pages.blank_row(),
        "blank_room": pages.blank_room(),
        "send_id": str(uuid.uuid4()),
        "text_max": limits.TEXT_MAX_CHARS,
        "modules": MODULES,
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "state": {
            "me": {name: me[name] for name in ("id", "username", "display_name", "avatar")},
            "rooms": [pages.listed(room) for room in rooms],
            "room": opened["id"] if opened else "",
            "page": page,
            "text_max": limits.TEXT_MAX_CHARS,
        },
    }
    # In a thread: filling fifty messages in takes longer than a socket should wait.
    response = await sync_to_async(render, thread_sensitive=False)(
        request, "chat.html", context | (extra or {})
    )
    if opened is not None:
        response.set_cookie(ROOM_COOKIE, opened["id"], samesite="Lax", max_age=31_536_000)
    return response


async def _page_of(request: HttpRequest, identity: Identity, room: str) -> pages.Wire:
    asked = {
        wire: int(given)
        for name, wire in (("n", "around_n"), ("before_n", "before_n"))
        if (given := request.GET.get(name, "")).isdecimal() and len(given) < 16
    }
    wanted = dict(list(asked.items())[:1])
    found = selectors.plain(await selectors.messages_page(identity, room=room, **wanted))
    return dict(found)


def _said(error: errors.ChatError) -> str:
    lines = [line for lines in (error.fields or {}).values() for line in lines]
    return " ".join(lines) or error.message


def _by_field(error: errors.ChatError) -> dict[str, str]:
    known = {"name", "topic"}
    fields = {name: " ".join(lines) for name, lines in (error.fields or {}).items()}
    if isinstance(error, errors.Conflict) and "name" not in fields:
        fields["name"] = error.message
    if not known & fields.keys():
        fields["form"] = _said(error)
    return fields
