"""Owns how rooms are looked after by staff: settings, members and roles, archiving, a new owner."""

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseForbidden,
    HttpResponseRedirect,
)
from django.urls import reverse

from chat import services
from chat.admin.base import (
    ReadOnlyAdmin,
    ReasonForm,
    done,
    identity_of,
    may,
    row_or_404,
    write_down,
)
from chat.admin.words import RulesField
from chat.models import HOUSE_ROOM, Ban, Membership, Room
from chat.services.audit import Action
from chatsite import times

MEMBERS_SHOWN: Final = 200


class SettingsForm(ReasonForm):
    """What staff may set of any room."""

    topic = forms.CharField(max_length=500, required=False)
    posting = forms.ChoiceField(choices=Room.Posting.choices)
    slow_mode_s = forms.IntegerField(min_value=0, max_value=6 * 3600, label="Slow mode, seconds")
    archived = forms.BooleanField(required=False)
    rules = RulesField()


class RoleForm(ReasonForm):
    """A member's role; another owner is how a room is handed over."""

    user = forms.CharField(max_length=24)
    role = forms.ChoiceField(choices=Membership.Role.choices)


class LiftForm(ReasonForm):
    """Whose ban is over."""

    user = forms.CharField(max_length=24)


@admin.register(Room)
class RoomAdmin(ReadOnlyAdmin):
    """Rooms, found by how their name begins."""

    list_display = ("__str__", "kind", "members_count", "posting", "slow_mode_s", "created_at")
    list_filter = ("kind",)
    search_fields = ("name_key__startswith",)
    search_help_text = "How the name begins, in lower case."
    ordering = ("-pk",)  # an id is the time at which the room was made

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, "chat.change_room")

    def row_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One room; POST sets something of it."""
        if object_id == HOUSE_ROOM:
            return HttpResponseForbidden()
        room = row_or_404(Room, object_id)
        sent = request.POST.get("form", "")
        is_role, is_lift = sent == "role", sent == "lift"
        settings = SettingsForm(
            None if is_role or is_lift else request.POST or None,
            initial={
                "topic": room.topic, "posting": room.posting, "slow_mode_s": room.slow_mode_s,
                "archived": _is_archived(room), "rules": room.rules,
            },
        )  # fmt: skip
        role = RoleForm(request.POST if is_role else None)
        if request.method == "POST":
            asked = role if is_role else LiftForm(request.POST) if is_lift else settings
            if _changed(request, room, asked):
                return HttpResponseRedirect(reverse("admin:chat_room_change", args=[object_id]))
        members = Membership.objects.filter(room_id=room.pk).select_related("user")[:MEMBERS_SHOWN]
        bans = Ban.objects.filter(room_id=room.pk, expires_at__gt=times.utc_now())
        return self.page(
            request, "room/change_form", title=str(room), room=room, settings=settings, role=role,
            members=members, may_change=self.may_post(request),
            bans=bans.select_related("user")[:MEMBERS_SHOWN],
            roles=Membership.Role.choices, is_archived=_is_archived(room),
        )  # fmt: skip


def _changed(request: HttpRequest, room: Room, form: forms.Form) -> bool:
    if not form.is_valid():
        return False
    given = dict(form.cleaned_data)
    reason = given.pop("reason")
    if isinstance(form, RoleForm):
        work = services.member_update(
            identity_of(request), room=str(room.pk), as_staff=True, reason=reason, **given
        )
        return done(request, work, "The role is changed.")  # the service writes it down
    if isinstance(form, LiftForm):
        work = services.ban_lift(
            identity_of(request), room=str(room.pk), as_staff=True, reason=reason, **given
        )
        return done(request, work, "They may come back.")
    work = services.room_update(
        identity_of(request), room=str(room.pk), as_staff=True,
        topic=given["topic"] if given["topic"] != room.topic else None,
        posting=given["posting"] if given["posting"] != room.posting else None,
        slow_mode_s=given["slow_mode_s"] if given["slow_mode_s"] != room.slow_mode_s else None,
        archived=given["archived"] if given["archived"] != _is_archived(room) else None,
        rules=given["rules"] if given["rules"] != room.rules else None, reason=reason,
    )  # fmt: skip
    if not done(request, work, "The settings are changed."):
        return False
    del given["rules"]  # the service writes them down, with what they were
    write_down(request, Action.ROOM_UPDATE, room=str(room.pk), reason=reason, **given)
    return True


def _is_archived(room: Room) -> bool:
    return room.archived_at.year != times.NEVER.year
