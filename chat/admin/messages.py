"""Owns how moderators find messages: a search within a room, and a message with its edits.

Text is shown as text, never as what it would become."""

import uuid
from typing import Any

from django.contrib import admin
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseForbidden,
    HttpResponseRedirect,
)
from django.urls import reverse

from chat import bridge, desk, errors, services
from chat.admin.base import ReadOnlyAdmin, ReasonForm, done, identity_of, may
from chat.models import Event


@admin.register(Event)
class MessageAdmin(ReadOnlyAdmin):
    """Messages. Of the log's other events people see what they did."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, "chat.delete_event")

    def may_post(self, request: HttpRequest) -> bool:
        return self.has_delete_permission(request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The search."""
        if not self.lets(request):
            return HttpResponseForbidden()
        typed = request.GET.get("q", "")
        before_n = request.GET.get("before_n", "")
        found, problem = None, ""
        if typed:
            try:
                at = int(before_n) if before_n.isdecimal() else 0
                found = bridge.run(desk.search(desk.query_of(typed), before_n=at))
            except errors.ValidationFailed as error:
                problem = " ".join(
                    said for lines in (error.fields or {}).values() for said in lines
                )
        return self.page(
            request, "event/change_list", title="Messages", q=typed, found=found, problem=problem,
            rows=[desk.row_of(each, found.names) for each in found.messages] if found else [],
        )  # fmt: skip

    def row_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One message: its context, its edits; POST deletes it, or brings it back."""
        message = bridge.run(desk.message_of(object_id))
        if message is None:
            raise Http404
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            _change(request, message, reason=form.cleaned_data["reason"])
            return HttpResponseRedirect(reverse("admin:chat_event_change", args=[object_id]))
        around = bridge.run(desk.context_of(message))
        names = bridge.run(desk.names_of([str(each["actor_id"]) for each in around]))
        return self.page(
            request, "event/change_form", title="Message", form=form,
            may_delete=self.may_post(request), message=desk.row_of(message, names),
            around=[desk.row_of(each, names) for each in around],
            edits=bridge.run(desk.edits_of(message)),
            deleted_text=bridge.run(desk.deleted_text_of(message)),
        )  # fmt: skip


def _change(request: HttpRequest, message: dict[str, Any], *, reason: str) -> None:
    """Delete it, or bring it back if it is deleted. The button says which: somebody else may have
    done it meanwhile."""
    deed: dict[str, Any] = {
        "room": str(message["room_id"]), "id": uuid.uuid4().hex, "target": message["_id"],
        "reason": reason,
    }  # fmt: skip
    me = identity_of(request)
    if request.POST.get("deed") == "restore":
        done(request, services.message_restore(me, **deed), "The message is back.")
    else:
        work = services.message_delete(me, **deed, as_staff=True)
        done(request, work, "The message was deleted.")
