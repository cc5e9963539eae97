"""Owns what the desk adds to the admin of people, logins and groups: rooms, logins and record on a
person's page, and that whatever is done there is in the audit."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from accounts import selectors
from accounts import services as accounts
from accounts.admin import GroupAdmin, SessionAdmin, UserAdmin
from accounts.models import Session, User
from chat import errors
from chat.admin.base import IndexedAdmin, ReasonForm, may, row_or_404, write_down
from chat.models import Membership, ModerationAction
from chat.services.audit import Action

ROOMS_MAX: Final = 100
ENTRIES_MAX: Final = 20
PASSWORD_PAGE: Final = "auth_user_password_change"  # noqa: S105  no password
"""As Django names it, whatever the model of its people is."""
ACTIONS: Final = {
    "suspend": Action.SUSPEND,
    "reinstate": Action.REINSTATE,
    "force": Action.PASSWORD_FORCE,
    "end": Action.LOGIN_END,
    "end_all": Action.LOGIN_END,
}
"""The deeds, and as what the audit has each."""
SAID: Final = {
    "suspend": "{} is suspended: every login has ended.",
    "reinstate": "{} may sign in again.",
    "force": "{} must choose a new password: every login has ended.",
    "end": "That login of {} has ended.",
    "end_all": "All logins of {} have ended.",
}


class DeedForm(ReasonForm):
    """What to do with a person's account, and why."""

    deed = forms.ChoiceField(choices=[(name, name) for name in ACTIONS])
    session = forms.CharField(required=False, max_length=24)


for model in (User, Session, Group):
    admin.site.unregister(model)


@admin.register(User)
class PersonAdmin(IndexedAdmin, UserAdmin):
    """People, with what moderators want to know of them."""

    change_form_template = "admin/chat/person.html"

    def get_urls(self) -> list[URLPattern]:
        deed = path(
            "<str:object_id>/deed/", self.admin_site.admin_view(self.deed), name="chat_person_deed"
        )
        return [deed, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django's form, and below it what is known and what can be done."""
        person = row_or_404(User, object_id)
        more = {**_known(request, person), "may_act": self._may_act(request, person)}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def deed(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Do something with an account."""
        person = row_or_404(User, object_id)
        if request.method != "POST" or not self._may_act(request, person):
            return HttpResponse(status=403)
        form = DeedForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Say why, for the audit.")
        elif _done(request, person, **form.cleaned_data):
            messages.success(request, SAID[form.cleaned_data["deed"]].format(person))
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[object_id]))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        fields = sorted(form.changed_data)
        rights: dict[str, Any] = {"is_active": obj.is_active, "is_staff": obj.is_staff}
        if not change:
            write_down(request, Action.USER_CREATE, subject=str(obj.pk), username=obj.username)
        elif fields:
            write_down(request, Action.USER_UPDATE, subject=str(obj.pk), changed=fields, **rights)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """Django's page for a password tells of what it did by nothing else."""
        match = request.resolver_match
        if match is not None and match.url_name == PASSWORD_PAGE:
            usable = obj.has_usable_password()
            write_down(request, Action.PASSWORD_SET, subject=str(obj.pk), usable=usable)
        return super().log_change(request, obj, message)

    @admin.action(permissions=["change"], description="Suspend: end all logins, let none begin")
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self._changeable(request, queryset):
            _done(request, user, deed="suspend", reason="From the list")

    @admin.action(permissions=["change"], description="Restore: let suspended people sign in again")
    def restore(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self._changeable(request, queryset):
            _done(request, user, deed="reinstate", reason="From the list")

    def _may_act(self, request: HttpRequest, person: User) -> bool:
        return self.has_change_permission(request, person) and person.pk != request.user.pk


@admin.register(Session)
class LoginAdmin(IndexedAdmin, SessionAdmin):
    """Logins; whose were ended is in the audit."""

    related = ("user",)

    @admin.action(description="End these logins", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        for login in queryset.select_related("user"):
            _done(request, login.user, deed="end", reason="From the list", session=str(login.pk))

    def has_end_permission(self, request: HttpRequest) -> bool:
        return may(request, "accounts.change_session")


@admin.register(Group)
class RightsAdmin(GroupAdmin):
    """Groups; what each may do, and might before, is in the audit."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        group, before = form.instance, _rights_of(form.instance)
        super().save_related(request, form, formsets, change)
        write_down(
            request, Action.GROUP_UPDATE, subject=str(group.pk), old={"may": before},
            name=group.name, may=_rights_of(group),
        )  # fmt: skip

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for group in queryset:
            old = {"name": group.name, "may": _rights_of(group)}
            write_down(request, Action.GROUP_DELETE, subject=str(group.pk), old=old)
        return super().log_deletions(request, queryset)


def _rights_of(group: Group) -> list[str]:
    given = Group.permissions.through.objects.filter(group_id=group.pk)
    rights = Permission.objects.filter(pk__in=list(given.values_list("permission_id", flat=True)))
    return sorted(rights.order_by().values_list("codename", flat=True))


def _known(request: HttpRequest, person: User) -> dict[str, Any]:
    rooms = Membership.objects.filter(user_id=person.pk).select_related("room")[:ROOMS_MAX]
    entries = ModerationAction.objects.filter(subject=str(person.pk)).order_by("-at")
    return {
        "person": person,
        "memberships": rooms,
        "entries": entries[:ENTRIES_MAX],
        "logins": selectors.sessions_live(user_id=str(person.pk))
        if may(request, "accounts.view_session")
        else [],
    }


def _done(request: HttpRequest, person: User, *, deed: str, reason: str, session: str = "") -> bool:
    match deed:
        case "suspend":
            accounts.user_suspend(person)
        case "reinstate":
            accounts.user_restore(person)
        case "force":
            accounts.password_force(person)
        case "end_all":
            accounts.sessions_end_all(user_id=str(person.pk), reason="revoked")
        case "end":
            try:
                accounts.session_end(user_id=str(person.pk), session_id=session, reason="revoked")
            except errors.NotFound:
                messages.error(request, "That login has ended already.")
                return False
        case _:
            raise AssertionError(deed)
    named: dict[str, Any] = {"session": session} if session else {}
    write_down(request, ACTIONS[deed], subject=str(person.pk), reason=reason, **named)
    return True
