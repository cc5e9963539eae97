"""Owns the page about one message, and the forms that change it, for browsers without JavaScript.

Knows no rule: what is offered is `chat.pages`', what is refused the services'.
"""

import uuid
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chat import errors, limits, pages, selectors, services
from chat.views.edge import Identity, for_people, said
from chatsite import times

STAYS: Final = ("report",)
"""After these one stays at the message; after the others one is led back to the conversation."""


@require_safe
@for_people
async def message(
    request: HttpRequest, identity: Identity, room: str, message: str
) -> HttpResponse:
    """One message and what may be done to it."""
    return await _message(request, identity, room=room, message=message)


@require_POST
@for_people
async def deed(
    request: HttpRequest, identity: Identity, room: str, message: str, deed: str
) -> HttpResponse:
    """Do one thing to a message. The form of an edit carries its id: twice is once."""
    found = selectors.plain(await selectors.message_get(identity, room=room, message=message))
    try:
        await _do(request, identity, found, deed)
    except errors.NotFound:
        raise
    except errors.ChatError as error:
        page = await _message(request, identity, room=room, message=message, error=said(error))
        page.status_code = error.http_status
        return page
    if deed in STAYS:
        return await _message(request, identity, room=room, message=message, reported=True)
    return redirect(f"{reverse('chat:room', args=[room])}?n={found['n']}")


async def _do(request: HttpRequest, identity: Identity, found: pages.Wire, deed: str) -> None:
    given = request.POST
    target = {"room": found["room"], "target": found["id"]}
    id = given.get("id") or str(uuid.uuid4())
    match deed:
        case "react":
            emoji = given.get("emoji", "").strip()
            add = not pages.reacted(found, emoji, me=identity.user_id)
            react = services.reaction_add if add else services.reaction_remove
            await react(identity, id=id, emoji=emoji, **target)
        case "edit":
            text = given.get("text", "").replace("\r\n", "\n")
            await services.message_edit(identity, id=id, text=text, **target)
        case "pin" | "unpin":
            await services.message_pin(identity, id=id, pinned=deed == "pin", **target)
        case "report":
            reason = given.get("reason", "")[: limits.REPORT_REASON_MAX_CHARS]
            comment = given.get("comment", "")[: limits.REPORT_COMMENT_MAX_CHARS]
            await services.message_report(identity, reason=reason, comment=comment, **target)
        case "delete":
            await services.message_delete(identity, id=id, **target)
        case _:
            raise errors.NotFound


async def _message(
    request: HttpRequest, identity: Identity, *, room: str, message: str, **more: Any
) -> HttpResponse:
    where = selectors.plain(await selectors.room_get(identity, room=room))
    found = selectors.plain(await selectors.message_get(identity, room=room, message=message))
    href = reverse("chat:room", args=[room])
    context = {
        "message": found,
        "deeds": pages.deeds_for(found, where, me=identity.user_id, now=times.utc_now()),
        "href": f"{href}?n={found['n']}",
        "more_href": reverse("chat:message", args=[room, found["id"]]),
        "send_href": reverse("chat:send", args=[room]),
        "send_id": str(uuid.uuid4()),
        "text_max": limits.TEXT_MAX_CHARS,
        "quick_emoji": pages.QUICK_EMOJI,
        "report_reasons": pages.REPORT_REASONS,
    }
    return render(request, "message.html", context | more)
