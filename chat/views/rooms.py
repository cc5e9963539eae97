"""Owns the pages that lead into rooms and out of them: create, browse, join, direct, leave.

Knows nothing of what is said there.
"""

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors as people
from chat import errors, selectors, services
from chat.views.edge import Identity, for_people, said


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
    context = {"q": q, "results": others, "error": said(refused) if refused else ""}
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
        "error": said(refused) if refused else "",
    }
    return render(request, "browse.html", context, status=refused.http_status if refused else 200)


def _by_field(error: errors.ChatError) -> dict[str, str]:
    known = {"name", "topic"}
    fields = {name: " ".join(lines) for name, lines in (error.fields or {}).items()}
    if isinstance(error, errors.Conflict) and "name" not in fields:
        fields["name"] = error.message
    if not known & fields.keys():
        fields["form"] = said(error)
    return fields
