"""Owns how staff see people and logins. Rules are those of services: what is set here by hand has
the same effects (ended logins, told profiles) as elsewhere."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import names, services, signals
from accounts.models import Session, User

if TYPE_CHECKING:  # Django's classes take their type argument from the stubs only
    UserForm = forms.ModelForm[User]
    UserAddForm = auth_forms.AdminUserCreationForm[User]
    UserChangeForm = auth_forms.UserChangeForm[User]
    UserModelAdmin = auth_admin.UserAdmin[User]
    SessionModelAdmin = admin.ModelAdmin[Session]
else:
    UserForm = forms.ModelForm
    UserAddForm = auth_forms.AdminUserCreationForm
    UserChangeForm = auth_forms.UserChangeForm
    UserModelAdmin = auth_admin.UserAdmin
    SessionModelAdmin = admin.ModelAdmin


class PermissionLists:
    """Lists permissions in an order of their own collection. Django's order is that of the joined
    content types, which the embedded database answers without the types' ids."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.remote_field.model is Permission:
            kwargs["queryset"] = Permission.objects.order_by("content_type_id", "codename")
        return super().formfield_for_manytomany(  # type: ignore[misc]  # the admin class it joins
            db_field, request, **kwargs
        )


class RulesMixin(UserForm):
    """Names and addresses by the rules for everybody."""

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"])
        if problem := names.username_problem(username):
            raise forms.ValidationError(problem)
        key = names.username_key(username)
        self._refuse_taken(User.objects.filter(username_key=key), "This username is taken.")
        return username

    def clean_email(self) -> str:
        email = names.email_clean(str(self.cleaned_data["email"]))
        self._refuse_taken(User.objects.filter(email=email), "This address is taken.")
        return email

    def clean_display_name(self) -> str:
        display_name = names.text_clean(str(self.cleaned_data["display_name"]))
        if problem := names.text_problem(display_name, most=names.DISPLAY_NAME_MAX):
            raise forms.ValidationError(problem)
        return display_name

    def clean_status_text(self) -> str:
        status_text = names.text_clean(str(self.cleaned_data["status_text"]))
        if problem := names.text_problem(status_text, most=names.STATUS_TEXT_MAX):
            raise forms.ValidationError(problem)
        return status_text

    def _refuse_taken(self, found: QuerySet[User], message: str) -> None:
        if any(user.pk != self.instance.pk for user in found):
            raise forms.ValidationError(message)


class AddForm(RulesMixin, UserAddForm):
    class Meta:
        model = User
        fields = ("username", "email", "display_name")


class ChangeForm(RulesMixin, UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class UserAdmin(PermissionLists, UserModelAdmin):
    """People. None is deleted, as their messages remain: suspend instead."""

    form = ChangeForm
    add_form = AddForm
    list_display = ("username", "display_name", "email", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff")
    search_fields = ("username_key__startswith", "email__startswith")
    ordering = ("username_key",)
    readonly_fields = ("created_at", "must_change_password")
    actions = ("suspend", "restore")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Profile", {"fields": ("display_name", "email", "status_text", "created_at")}),
        ("Privacy", {"fields": ("shares_presence", "shares_receipts")}),
        (
            "Rights",
            {
                "fields": (
                    *("is_active", "must_change_password", "is_staff", "is_superuser"),
                    *("groups", "user_permissions"),
                )
            },
        ),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "username",
                    "email",
                    "display_name",
                    "usable_password",
                    "password1",
                    "password2",
                ),
            },
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Superusers are changed, and given passwords, by superusers alone."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or not obj.is_superuser or _is_superuser(request))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only superusers make others staff, and say of which kind."""
        found = super().get_fieldsets(request, obj)
        if obj is None or _is_superuser(request):
            return found
        return [
            (name, {**options, "fields": ("is_active", "must_change_password")})
            if name == "Rights"
            else (name, options)
            for name, options in found
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        # Keys are kept in lower case; no search here is a pattern.
        return super().get_search_results(request, queryset, search_term.lower())

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            services.user_suspend(obj)
        if change and {"username", "display_name", "status_text"} & set(form.changed_data):
            signals.profile_changed.send(sender=User, user_id=str(obj.pk))

    @admin.action(
        permissions=["change"], description="Suspend: end all logins and let no new one begin"
    )
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self._changeable(request, queryset):
            services.user_suspend(user)

    @admin.action(permissions=["change"], description="Restore: let suspended people sign in again")
    def restore(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self._changeable(request, queryset):
            services.user_restore(user)

    def _changeable(self, request: HttpRequest, queryset: QuerySet[User]) -> list[User]:
        return [user for user in queryset if self.has_change_permission(request, user)]


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(PermissionLists, auth_admin.GroupAdmin):  # type: ignore[misc]  # typed apart
    """Bundles of permissions for staff."""


@admin.register(Session)
class SessionAdmin(SessionModelAdmin):
    """Logins, to be seen and ended."""

    list_display = ("user", "kind", "address", "agent", "last_used_at", "revoked_at")
    ordering = ("-pk",)  # an id is the time at which the login began
    actions = ("end",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False

    @admin.action(description="End these logins", permissions=["view"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        for session in queryset:
            services.sessions_end(
                user_id=str(session.user_id), session_ids=[str(session.pk)], reason="revoked"
            )
