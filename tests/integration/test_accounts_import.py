"""People of another system, who have no password here."""

import pytest

from accounts import services
from chat import errors
from tests import people


def test_makes_someone_whom_no_password_lets_in() -> None:
    username = people.unique("irc")
    user = services.user_import(
        username=username, email=f"{username}@replay.invalid", display_name="|QuaD-"
    )
    assert (user.username, user.display_name) == (username, "|QuaD-")
    assert not user.has_usable_password()
    for password in ("", user.password, people.PASSWORD):
        with pytest.raises(errors.Unauthenticated):
            services.login_check(login=username, password=password, address="192.0.2.9")


def test_refuses_a_name_or_address_that_somebody_has() -> None:
    somebody = people.person("irc")
    with pytest.raises(errors.Conflict):
        services.user_import(username=somebody.username, email="other@replay.invalid")
    with pytest.raises(errors.Conflict):
        services.user_import(username=people.unique("irc"), email=somebody.email)
