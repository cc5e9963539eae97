"""What `EMAIL_URL` means, and what has to be said beside it."""

import pytest

from chatsite import env, mail_server

MAIL = {"DATA_DIR": "/nowhere", "EMAIL_URL": "smtp://mail.example.org"}


@pytest.mark.parametrize(
    ("url", "port", "tls", "starttls"),
    [
        ("smtp://mail.example.org", 25, False, False),
        ("smtp://parley:p%40ss@mail.example.org", 587, False, True),
        ("smtp://parley:p%40ss@mail.example.org:2525", 2525, False, True),
        ("smtps://parley:p%40ss@mail.example.org", 465, True, False),
    ],
)
def test_a_password_is_never_sent_in_clear(url: str, port: int, tls: bool, starttls: bool) -> None:
    found = mail_server.parse(url)

    assert found is not None
    assert (found.port, found.tls, found.starttls) == (port, tls, starttls)
    assert found.password in ("", "p@ss")
    assert not found.password or tls or starttls


@pytest.mark.parametrize("url", ["", "console://"])
def test_mail_may_go_to_the_log(url: str) -> None:
    assert mail_server.parse(url) is None


@pytest.mark.parametrize("hosts", ["*", ".example.org", "chat.example.org,*"])
def test_links_in_mail_do_not_lead_where_the_asker_says(hosts: str) -> None:
    with pytest.raises(env.EnvError, match="PUBLIC_ORIGINS: needed"):
        env.load(MAIL | {"ALLOWED_HOSTS": hosts})


@pytest.mark.parametrize(
    "said",
    [
        {"ALLOWED_HOSTS": "chat.example.org"},
        {"ALLOWED_HOSTS": "*", "PUBLIC_ORIGINS": "https://chat.example.org"},
        {"ALLOWED_HOSTS": "*", "EMAIL_URL": "console://"},
        {"ALLOWED_HOSTS": "*", "EMAIL_URL": ""},
    ],
)
def test_they_lead_to_a_named_host_or_origin(said: dict[str, str]) -> None:
    env.load(MAIL | said)
