"""Owns how Django's own login forms (the admin's) check a name and a password, as ours do; and what
staff may do, by Django's permissions."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest

from accounts import selectors, services
from accounts.models import User
from chat import errors
from chatsite import addresses


class LoginBackend(BaseBackend):
    """Throttled, by username or e-mail address.

    Permissions are Django's, but read one collection at a time: its own backend takes them from
    joined documents, whose fields the embedded database loses.
    """

    def authenticate(  # type: ignore[override]  # Django passes any credentials; ours are these
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
    ) -> User | None:
        if username is None or password is None:
            return None
        address = addresses.of_request(request) if request is not None else ""
        try:
            return services.login_check(login=username, password=password, address=address)
        except errors.ChatError:
            return None  # Django's forms have one answer to every refusal

    def get_user(self, user_id: object) -> User | None:
        user = selectors.user_by_id(str(user_id))
        return user if user and user.is_active and not user.must_change_password else None

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Those given to the person alone, as `app.codename`."""
        given = User.user_permissions.through.objects.filter(user_id=user_obj.pk)
        return _names(given.values_list("permission_id", flat=True))

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Those that come with the groups one is in, as `app.codename`."""
        groups = User.groups.through.objects.filter(user_id=user_obj.pk)
        given = Group.permissions.through.objects.filter(
            group_id__in=list(groups.values_list("group_id", flat=True))
        )
        return _names(given.values_list("permission_id", flat=True))

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """All of them; read once for each `User` object, as in Django's backend."""
        if obj is not None or not isinstance(user_obj, User) or not user_obj.is_active:
            return set()
        kept: set[str] | None = getattr(user_obj, "_permissions", None)
        if kept is None:
            kept = super().get_all_permissions(user_obj)
            user_obj._permissions = kept
        return kept

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether there is anything one may do in this app: the admin shows it then."""
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions(user_obj))


def _names(permission_ids: Any) -> set[str]:
    found = Permission.objects.filter(pk__in=list(permission_ids)).order_by()
    types = ContentType.objects  # it keeps what it has read
    return {f"{types.get_for_id(p.content_type_id).app_label}.{p.codename}" for p in found}
