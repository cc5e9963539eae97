"""Owns how the audit is shown: looked at, filtered, taken out as CSV; never changed."""

import csv
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path

from chat import bridge, desk
from chat.admin.base import OneOfFilter, ReadOnlyAdmin
from chat.models import ModerationAction
from chat.services.audit import Action
from chatsite import times

COLUMNS: Final = ("at", "actor", "action", "room", "subject", "reason", "old", "new")
CHUNK: Final = 500


class _Echo:
    """What a CSV writer writes to, to be handed on at once."""

    def write(self, line: str) -> str:
        return line


class PeriodFilter(OneOfFilter):
    """The last week unless more is asked for: a range of the index on `at`."""

    title = "time"
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "A day"), ("7", "A week"), ("30", "30 days"), ("3650", "Ten years")]

    def value(self) -> str:
        return super().value() or "7"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if request.GET.get("q"):
            return queryset  # of one subject: that has its own index
        days = self.value()
        since = timedelta(days=int(days) if days in dict(self.lookup_choices) else 7)
        return queryset.filter(at__gte=times.utc_now() - since)


class ActionFilter(admin.SimpleListFilter):
    """One kind of entry, of the closed list of them: nothing is read to know which there are."""

    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action.value, action.value) for action in Action]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        action = self.value()
        return queryset.filter(action=action) if action else queryset


@admin.register(ModerationAction)
class AuditAdmin(ReadOnlyAdmin):
    """Who did what, to whom, and why."""

    list_display = ("at", "actor", "action", "room_id", "subject", "reason")
    list_filter = (PeriodFilter, ActionFilter)
    search_fields = ("subject__exact",)
    search_help_text = "The id of a person or message."
    ordering = ("-at",)
    change_list_template = "admin/chat/audit_list.html"
    fields = ("at", "actor", "action", "room_id", "subject", "reason", "old", "new")
    readonly_fields = fields

    @admin.display(description="by")
    def actor(self, entry: ModerationAction) -> str:
        user = str(entry.actor_id)
        return bridge.run(desk.names_of([user])).get(user, user)

    def get_urls(self) -> list[URLPattern]:
        csv_url = path(
            "csv/", self.admin_site.admin_view(self.as_csv), name="chat_moderationaction_csv"
        )
        return [csv_url, *super().get_urls()]

    def as_csv(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """What the list shows, all pages of it, a chunk at a time."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        shown = self.get_changelist_instance(request).get_queryset(request)
        response = StreamingHttpResponse(_lines(shown), content_type="text/csv; charset=utf-8")
        # Django would compress each line by itself, of which browsers read the first alone.
        response["Content-Encoding"] = "identity"
        response["Content-Disposition"] = 'attachment; filename="audit.csv"'
        return response


async def _lines(entries: QuerySet[ModerationAction]) -> AsyncIterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    names: dict[str, str] = {}
    async for entry in entries.aiterator(chunk_size=CHUNK):
        user = str(entry.actor_id)
        if user not in names:
            names[user] = (await desk.names_of([user])).get(user, user)
        yield writer.writerow([_plain(cell) for cell in (
            times.to_wire(entry.at), names[user], entry.action, entry.room_id, entry.subject,
            entry.reason, entry.old or "", entry.new or "",
        )])  # fmt: skip


def _plain(cell: Any) -> str:
    """No spreadsheet takes what somebody wrote for a formula (OWASP, "CSV Injection")."""
    text = str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
