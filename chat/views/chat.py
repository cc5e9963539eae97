"""Owns the chat itself as the server renders it, and sending without JavaScript.

Must not know how the browser goes on from there.
"""

import uuid
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chat import errors, limits, pages, selectors, services
from chat.views.edge import Identity, for_people, said
from chatsite import times

ROOM_COOKIE: Final = "parley_room"
"""The room last looked at; the browser keeps it when it changes rooms by itself."""
ZONE_COOKIE: Final = "parley_tz"
"""The browser's time zone by its IANA name, so that days divide where its owner's days do."""


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
            reply_to=request.POST.get("reply_to") or None,
        )
    except errors.NotFound:
        raise
    except errors.ChatError as error:
        rooms, opened = await _rooms_with(identity, room)
        refused = {"send_error": said(error), "send_text": text}
        page = await _chat(request, identity, rooms=rooms, opened=opened, extra=refused)
        page.status_code = error.http_status
        return page
    return redirect("chat:room", room=room)


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
    now = times.utc_now()
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
                today=now.astimezone(zone).date(),
            ),
            "closed": pages.closed_said(opened, now=now, zone=zone),
            "has_before": page["has_before"],
            "older_href": f"{href}?before_n={page['results'][0]['n']}" if page["results"] else "",
        }
    context |= {
        "me": me,
        "room": opened,
        "open_id": opened["id"] if opened else "",
        "sections": pages.sections_of(rooms),
        "quick_emoji": pages.QUICK_EMOJI,
        "palette_emoji": pages.PALETTE_EMOJI,
        "report_reasons": pages.REPORT_REASONS,
        "blank_row": pages.blank_row(),
        "blank_room": pages.blank_room(),
        "send_id": str(uuid.uuid4()),
        "text_max": limits.TEXT_MAX_CHARS,
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "state": {
            "me": {name: me[name] for name in ("id", "username", "display_name", "avatar")},
            "rooms": [pages.listed(room) for room in rooms],
            "room": opened["id"] if opened else "",
            "page": page,
            "text_max": limits.TEXT_MAX_CHARS,
            "now": times.to_wire(now),
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
