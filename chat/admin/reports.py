"""Owns the queue of reports: each with its message in context, and what can be done about it."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseForbidden,
    HttpResponseRedirect,
)
from django.urls import reverse

from accounts import services as accounts
from accounts.models import User
from chat import bridge, desk, services
from chat.admin.base import (
    ReadOnlyAdmin,
    ReasonForm,
    StateFilter,
    done,
    identity_of,
    may,
    row_or_404,
    write_down,
)
from chat.models import Report
from chat.services import reports as reports_service
from chat.services.audit import Action
from chatsite import times

EARLIER_MAX: Final = 20
HOURS: Final = ((1, "1 hour"), (24, "a day"), (24 * 7, "a week"), (24 * 30, "30 days"), (0, "ever"))


class ActForm(ReasonForm):
    """What to do, why, and for how long."""

    deed = forms.ChoiceField(
        choices=[(name, name) for name in ("dismiss", "delete", "mute", "ban", "suspend")]
    )
    hours = forms.TypedChoiceField(choices=HOURS, coerce=int, required=False, empty_value=None)


class StateOfReport(StateFilter):
    states = Report.Status


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """The queue. A report is answered on its own page."""

    list_display = ("at", "room", "author", "reason", "reporter", "status")
    list_filter = (StateOfReport,)
    related = ("room", "author", "reporter")
    ordering = ("-at",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, "chat.change_report")

    def may_post(self, request: HttpRequest) -> bool:
        return True  # each deed has a right of its own

    def row_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A report with everything that helps to decide; POST does what was decided."""
        report = row_or_404(Report, object_id)
        form = ActForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            if not may(request, RIGHTS[form.cleaned_data["deed"]]):
                return HttpResponseForbidden()
            if _act(request, report, **form.cleaned_data):
                return HttpResponseRedirect(reverse("admin:chat_report_changelist"))
        return self.page(
            request, "report/change_form", title="Report", form=form, hours=HOURS,
            deeds=[deed for deed in DEEDS if may(request, RIGHTS[deed])], **_shown(report),
        )  # fmt: skip


def _shown(report: Report) -> dict[str, Any]:
    message = bridge.run(desk.message_of(report.message.hex))
    around = bridge.run(desk.context_of(message)) if message else []
    names = bridge.run(desk.names_of([str(each["actor_id"]) for each in around]))
    on_author = Report.objects.filter(author_id=report.author_id).select_related("reporter")
    earlier = [each for each in on_author.order_by("-at")[:EARLIER_MAX] if each.pk != report.pk]
    return {
        "report": report,
        "earlier": earlier,
        "around": [
            {**desk.row_of(each, names), "is_reported": each["_id"] == report.message.hex}
            for each in around
        ],
    }


def _act(
    request: HttpRequest, report: Report, *, deed: str, reason: str, hours: int | None
) -> bool:
    """Do it, then close the reports on the message and tell who reported. Each step can be done
    again; when the first fails the report stays open."""
    if not DEEDS[deed](request, report, reason, hours):
        return False
    status = reports_service.DISMISSED if deed == "dismiss" else reports_service.ACTED
    settling = reports_service.reports_settle(
        identity_of(request), message=report.message.hex, status=status, outcome=OUTCOMES[deed],
        reason=reason,
    )  # fmt: skip
    return done(request, settling, OUTCOMES[deed])


def _dismiss(request: HttpRequest, report: Report, reason: str, hours: int | None) -> bool:
    return True


def _delete(request: HttpRequest, report: Report, reason: str, hours: int | None) -> bool:
    work = services.message_delete(
        identity_of(request), room=str(report.room_id), id=uuid.uuid4().hex,
        target=report.message.hex, as_staff=True, reason=reason,
    )  # fmt: skip
    return done(request, work, "The message was deleted.")


def _mute(request: HttpRequest, report: Report, reason: str, hours: int | None) -> bool:
    until = times.utc_now() + timedelta(hours=hours or 24 * 365 * 100)
    work = services.member_update(
        identity_of(request), room=str(report.room_id), user=str(report.author_id),
        mute_until=until, as_staff=True, reason=reason,
    )  # fmt: skip
    return done(request, work, f"{report.author} is muted.")


def _ban(request: HttpRequest, report: Report, reason: str, hours: int | None) -> bool:
    until = times.utc_now() + timedelta(hours=hours) if hours else times.NEVER
    work = services.member_remove(
        identity_of(request), room=str(report.room_id), user=str(report.author_id),
        ban=True, ban_until=until, as_staff=True, reason=reason,
    )  # fmt: skip
    return done(request, work, f"{report.author} is banned from the room.")


def _suspend(request: HttpRequest, report: Report, reason: str, hours: int | None) -> bool:
    user = row_or_404(User, report.author_id)
    if user.is_superuser:
        messages.error(request, "An administrator is suspended by taking the rights away first.")
        return False
    accounts.user_suspend(user)
    write_down(request, Action.SUSPEND, subject=str(user.pk), reason=reason)
    messages.success(request, f"{user} is suspended.")
    return True


DEEDS: Final[dict[str, Callable[[HttpRequest, Report, str, int | None], bool]]] = {
    "dismiss": _dismiss, "delete": _delete, "mute": _mute, "ban": _ban, "suspend": _suspend,
}  # fmt: skip
RIGHTS: Final = {
    "dismiss": "chat.change_report",
    "delete": "chat.delete_event",
    "mute": "chat.change_membership",
    "ban": "chat.add_ban",
    "suspend": "accounts.change_user",
}
OUTCOMES: Final = {
    "dismiss": "We looked at it and found nothing against the rules.",
    "delete": "The message was deleted.",
    "mute": "Its author cannot write in that room for a while.",
    "ban": "Its author was banned from that room.",
    "suspend": "Its author's account was suspended.",
}
"""As reporters are told."""
