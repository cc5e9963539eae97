"""Owns how the audit is shown: looked at, filtered, taken out as CSV; never changed."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path

from chat import bridge, desk
from chat.admin.base import ReadOnlyAdmin
from chat.models import ModerationAction
from chatsite import times

COLUMNS: Final = ("at", "actor", "action", "room", "subject", "reason", "old", "new")
CHUNK: Final = 500


class _Echo:
    """What a CSV writer writes to, to be handed on at once."""

    def write(self, line: str) -> str:
        return line


class PeriodFilter(admin.SimpleListFilter):
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

    def choices(self, changelist: Any) -> Iterator[Any]:
        for value, said in self.lookup_choices:
            link = changelist.get_query_string({self.parameter_name: value})
            chosen = self.value() == str(value)
            yield {"selected": chosen, "query_string": link, "display": said}


@admin.register(ModerationAction)
class AuditAdmin(ReadOnlyAdmin):
    """Who did what, to whom, and why."""

    list_display = ("at", "actor", "action", "room_id", "subject", "reason")
    list_filter = (PeriodFilter, "action")
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
        """The whole audit, newest first, a chunk at a time."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        response = StreamingHttpResponse(_lines(), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="audit.csv"'
        return response


def _lines() -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    entries = ModerationAction.objects.order_by("-at").iterator(chunk_size=CHUNK)
    names: dict[str, str] = {}
    for entry in entries:
        user = str(entry.actor_id)
        if user not in names:
            names[user] = bridge.run(desk.names_of([user])).get(user, user)
        yield writer.writerow([_plain(cell) for cell in (
            times.to_wire(entry.at), names[user], entry.action, entry.room_id, entry.subject,
            entry.reason, entry.old or "", entry.new or "",
        )])  # fmt: skip


def _plain(cell: Any) -> str:
    """No spreadsheet takes what somebody wrote for a formula (OWASP, "CSV Injection")."""
    text = str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
