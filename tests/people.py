"""Owns the cast of the account tests: people nobody else has, and a client that speaks JSON.

Tests never flush the database, so everyone is made with a name of their own.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test import Client

from accounts import services, signals
from accounts.models import User

PASSWORD = "quiet river 7 lanterns"
OTHER_PASSWORD = "seven loud mountains 4"


def unique(name: str) -> str:
    """A username that begins with `name` and that nobody has."""
    return f"{name}-{secrets.token_hex(5)}"


def address() -> str:
    """A network address that nobody else in this run is counted by."""
    return f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"


def person(name: str, **fields: str) -> User:
    """Make one of the cast, by the front door."""
    username = unique(name)
    return services.user_create(
        **{
            "username": username,
            "email": f"{username}@example.org",
            "password": PASSWORD,
            "display_name": "",
            **fields,
        }
    )


def admin(name: str) -> User:
    """Somebody who may do everything in the admin."""
    username = unique(name)
    return services.admin_create(
        username=username, email=f"{username}@example.org", password=PASSWORD
    )


class Api:
    """A program: bodies and answers are JSON, no cookies unless it is given a browser's client."""

    def __init__(self, *, access: str = "", client: Client | None = None, **headers: str) -> None:
        self.client = client or Client(
            raise_request_exception=False, SERVER_NAME="localhost", REMOTE_ADDR=address()
        )
        self.access = access
        self.headers = headers

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> "Answer":
        """One call under `/api/v1`. A body that is bytes is sent as it is."""
        sent = {**self.headers, **headers}
        if self.access:
            sent.setdefault("Authorization", f"Bearer {self.access}")
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        return Answer(
            self.client.generic(
                method,
                f"/api/v1{path}",
                data,
                content_type=sent.pop("Content-Type", "application/json"),
                headers=sent,
            )
        )

    def get(self, path: str, **headers: str) -> "Answer":
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> "Answer":
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> "Answer":
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> "Answer":
        return self.call("DELETE", path, **headers)


class Answer:
    """What the server said."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.status: int = response.status_code
        self.headers: dict[str, str] = dict(response.headers)
        self.text: str = response.content.decode()

    @property
    def body(self) -> Any:
        return json.loads(self.text) if self.text else None

    @property
    def code(self) -> str:
        """The code of an error."""
        return str(self.body["error"]["code"])

    @property
    def fields(self) -> dict[str, list[str]]:
        """What an error says of each field."""
        return dict(self.body["error"].get("fields", {}))


def signed_in(user: User, password: str = PASSWORD) -> tuple[Api, str]:
    """A program of this person's, and its refresh token."""
    answer = Api().post("/auth/login", {"login": user.username, "password": password})
    assert answer.status == 200, answer.text
    return Api(access=answer.body["access"]), answer.body["refresh"]


def csrf(client: Client) -> str:
    """The token that this browser's forms and scripts send along."""
    return client.cookies["parley_csrf"].value


def fill(client: Client, path: str, **fields: str) -> Any:
    """Send a form as a browser does."""
    form = client.get(path)
    assert form.status_code in (200, 302), form.content.decode()
    return client.post(path, {**fields, "csrfmiddlewaretoken": csrf(client)})


def browser(user: User | None = None, password: str = PASSWORD) -> Client:
    """A browser that is as strict about CSRF as a real one must be; signed in if for somebody."""
    client = Client(
        raise_request_exception=False,
        enforce_csrf_checks=True,
        SERVER_NAME="localhost",
        REMOTE_ADDR=address(),
    )
    if user is not None:
        response = fill(client, "/accounts/login/", login=user.username, password=password)
        assert response.status_code == 302, response.content.decode()
    return client


@contextmanager
def ended() -> Iterator[list[dict[str, Any]]]:
    """What `sessions_ended` tells meanwhile: user_id, session_ids, reason."""
    told: list[dict[str, Any]] = []

    def listen(user_id: str, session_ids: list[str], reason: str, **_: Any) -> None:
        told.append({"user_id": user_id, "session_ids": session_ids, "reason": reason})

    signals.sessions_ended.connect(listen)
    try:
        yield told
    finally:
        signals.sessions_ended.disconnect(listen)
