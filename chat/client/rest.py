"""Owns REST calls of a client: a thin wrapper that turns error bodies into `Refused`.

Knows docs/protocol.md, "REST"; paths are written by the caller, without `/api/v1`.
"""

import asyncio
import base64
import json
import time
from types import TracebackType
from typing import Any

import httpx

from chat.client import backoff, frames

TIMEOUT_S = 30.0
TRIES_MAX = 8
NEED_NO_TOKEN = ("/auth/login", "/auth/register", "/server")
REFRESH_AHEAD_S = 30.0
"""An access token with less life left than this is renewed before it is used."""


class Rest:
    """`await rest.get("/rooms")`, `await rest.post("/rooms", kind="channel", name="tea")`.

    Args:
        url: `http(s)://host:port` of the server.
        token: an access token or an async callable that gives one, where one does not `login` or
            `register`, after which the client renews its own.
    """

    def __init__(self, url: str, token: str | frames.TokenSource = "") -> None:
        self.url = url.rstrip("/")
        self._access = token if isinstance(token, str) else ""
        self._source = None if isinstance(token, str) else token
        self._refresh = ""
        self._renewing = asyncio.Lock()
        self._http = httpx.AsyncClient(
            base_url=self.url + "/api/v1",
            timeout=TIMEOUT_S,
            verify=self.url.startswith("https"),  # loading certificates for nothing takes 20 ms
        )

    async def __aenter__(self) -> "Rest":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def register(self, *, username: str, email: str, password: str, **more: str) -> Any:
        """Make an account and sign in with it; returns the user."""
        body = {"username": username, "email": email, "password": password} | more
        return self._signed_in(await self.request("POST", "/auth/register", json=body))

    async def login(self, login: str, password: str) -> Any:
        """Sign in by name or e-mail; returns the user."""
        body = {"login": login, "password": password}
        return self._signed_in(await self.request("POST", "/auth/login", json=body))

    async def token(self) -> str:
        """An access token that is valid now: the token source for `Client`."""
        # One at a time: a refresh token that is used twice ends the whole session.
        async with self._renewing:
            if _expires_at(self._access) - time.time() >= REFRESH_AHEAD_S:
                return self._access
            if self._source is not None:
                self._access = await self._source()
            elif self._refresh:
                answer = await self._request_once(
                    "POST", "/auth/refresh", json={"refresh": self._refresh}
                )
                self._access, self._refresh = answer["access"], answer["refresh"]
        return self._access

    async def get(self, path: str, **query: str | int) -> Any:
        return await self.request("GET", path, query=query)

    async def post(self, path: str, **body: Any) -> Any:
        return await self.request("POST", path, json=body)

    async def put(self, path: str, **body: Any) -> Any:
        return await self.request("PUT", path, json=body)

    async def patch(self, path: str, **body: Any) -> Any:
        return await self.request("PATCH", path, json=body)

    async def delete(self, path: str, **query: str | int) -> Any:
        return await self.request("DELETE", path, query=query)

    async def request(
        self, method: str, path: str, *, json: Any = None, query: dict[str, Any] | None = None
    ) -> Any:
        """One call; returns the decoded body, None where there is none.

        Raises:
            Refused: with the error's code and HTTP status; `unavailable` when the server cannot
                be reached or what answers is not Parley (a proxy).
        """
        headers = {}
        if path not in NEED_NO_TOKEN and (token := await self.token()):
            headers["Authorization"] = f"Bearer {token}"
        return await self._request_once(method, path, json=json, query=query, headers=headers)

    async def insist(self, method: str, path: str, **parts: Any) -> Any:
        """As `request`, tried again while the refusal says that it helps; for calls that may be
        repeated."""
        for attempt in range(TRIES_MAX):
            try:
                return await self.request(method, path, **parts)
            except frames.Refused as refusal:
                if not refusal.retryable or attempt == TRIES_MAX - 1:
                    raise
                await asyncio.sleep(
                    refusal.retry_after or min(backoff.MAX_S, backoff.FIRST_S * 2**attempt)
                )
        raise AssertionError("the last try returned or raised")

    async def _request_once(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        try:
            answer = await self._http.request(
                method, path, json=json, params=query, headers=headers
            )
        except httpx.TransportError as error:
            raise frames.Refused("unavailable", f"{type(error).__name__}: {error}") from error
        if answer.is_success:
            return answer.json() if answer.content else None
        raise _refusal(answer)

    def _signed_in(self, answer: Any) -> Any:
        self._access, self._refresh = answer["access"], answer["refresh"]
        return answer["user"]


def _refusal(answer: httpx.Response) -> frames.Refused:
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        error = None  # not Parley's: a proxy in between
    refusal = frames.Refused.from_wire(error, status=answer.status_code)
    if refusal.retry_after is None and answer.headers.get("Retry-After", "").isdigit():
        refusal.retry_after = float(answer.headers["Retry-After"])
    return refusal


def _expires_at(access: str) -> float:
    """When a token says it ends, in Unix seconds; it is the server that believes it or not."""
    try:
        claims = access.split(".")[1]
        decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return float(decoded["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return 0.0
