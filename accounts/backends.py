"""Owns how Django's own login forms (the admin's) check a name and a password: as ours do."""

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts import selectors, services
from accounts.models import User
from chat import errors
from chatsite import addresses


class LoginBackend(ModelBackend):
    """Throttled, by username or e-mail address; permissions are Django's."""

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
        return user if user is not None and user.is_active else None
