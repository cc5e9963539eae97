"""Owns word rules at the desk: how they are typed, those of the whole server, and the queue of what
they hold."""

from collections.abc import Mapping, Sequence
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

from chat import bridge, desk, errors, rules, services
from chat.admin.base import (
    ReadOnlyAdmin,
    ReasonForm,
    StateFilter,
    done,
    identity_of,
    may,
    row_or_404,
)
from chat.models import HeldMessage, ServerRules
from chat.store.store import SERVER

HELP: Final = (
    "One rule a line: mask, hold or refuse, a space, and an expression of RE2, found without case. "
    r"Such as: refuse \bcheap watches?\b"
)


class RulesField(forms.CharField):
    """Rules as lines; its value is the list that is stored."""

    def __init__(self) -> None:
        box = forms.Textarea(attrs={"rows": 6, "cols": 60, "spellcheck": "false"})
        super().__init__(required=False, label="Word rules", help_text=HELP, widget=box)

    def prepare_value(self, value: Any) -> Any:
        """What stands in the box: lines, also for the list that is stored."""
        if not isinstance(value, list):
            return value
        return "\n".join(f"{rule['does']} {rule['pattern']}" for rule in value)

    def clean(self, value: Any) -> Any:
        lines = [line.strip() for line in str(value or "").splitlines() if line.strip()]
        return _checked([_rule(line) for line in lines])


class ServerRulesForm(ReasonForm):
    """Those that hold everywhere, and why they change."""

    rules = RulesField()


class DecisionForm(ReasonForm):
    """Into the room or never, and why."""

    decision = forms.ChoiceField(choices=[("release", "release"), ("reject", "reject")])


@admin.register(ServerRules)
class ServerRulesAdmin(ReadOnlyAdmin):
    """One page for the one document."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, "chat.change_serverrules")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The rules; POST sets them."""
        if not self.lets(request):
            return HttpResponseForbidden()
        stored = ServerRules.objects.filter(pk=SERVER).first()
        initial = {"rules": stored.rules if stored else []}
        form = ServerRulesForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            work = services.server_rules_update(identity_of(request), **form.cleaned_data)
            if done(request, work, "The rules are changed. They hold within 2 seconds."):
                return HttpResponseRedirect(reverse("admin:chat_serverrules_changelist"))
        return self.page(
            request, "serverrules", title="Word rules of the server", form=form,
            may_change=self.has_change_permission(request),
        )  # fmt: skip

    def row_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:chat_serverrules_changelist"))


class StateOfHeld(StateFilter):
    states = HeldMessage.Status


@admin.register(HeldMessage)
class HeldMessageAdmin(ReadOnlyAdmin):
    """What waits, and what was decided lately: the newest first."""

    list_display = ("at", "room", "author", "shortened", "status")
    list_filter = (StateOfHeld,)
    related = ("room", "author")
    ordering = ("-at",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, "chat.change_heldmessage")

    @admin.display(description="text")
    def shortened(self, held: HeldMessage) -> str:
        return held.text[:80]

    def row_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One message that waits; POST decides."""
        held = row_or_404(HeldMessage, object_id)
        form = DecisionForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and _decided(request, held, form):
            return HttpResponseRedirect(reverse("admin:chat_heldmessage_changelist"))
        around = bridge.run(desk.newest_of(str(held.room_id)))
        names = bridge.run(desk.names_of([str(each["actor_id"]) for each in around]))
        is_waiting = held.status == HeldMessage.Status.WAITING
        return self.page(
            request, "held", title="Held message", form=form, held=held,
            may_decide=is_waiting and self.has_change_permission(request),
            around=[desk.row_of(each, names) for each in around],
        )  # fmt: skip


def _decided(request: HttpRequest, held: HeldMessage, form: forms.Form) -> bool:
    release = form.cleaned_data["decision"] == "release"
    decide = services.held_release if release else services.held_reject
    work = decide(
        identity_of(request), room=str(held.room_id), message=held.pk.hex,
        reason=form.cleaned_data["reason"], as_staff=True,
    )  # fmt: skip
    return done(request, work, "It is in the room now." if release else "It is rejected.")


def _rule(line: str) -> Mapping[str, str]:
    does, _, pattern = line.partition(" ")
    return {"does": does.lower(), "pattern": pattern.strip()}


def _checked(typed: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    try:
        return rules.checked(typed)
    except errors.ValidationFailed as error:
        raise forms.ValidationError(error.message) from None
