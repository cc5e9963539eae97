"""Owns how DRF is fitted to the wire: who asks, how bodies are read, how refusals are answered.

Knows no call of the API. Source of the rules: docs/protocol.md, "Errors" and "REST".
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from django.http import HttpRequest
from rest_framework import exceptions, negotiation, parsers, serializers
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import live
from accounts import tokens as token_forms
from accounts.identity import Identity
from chat import errors
from chatsite import replies, times
from metrics import instruments, logs

log = logging.getLogger(__name__)

BEARER: Final = "bearer"
WHOLE_BODY: Final = "body"
"""The name, in `fields`, of what is wrong with a body as a whole."""


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`, of a login that still lives."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != BEARER:
            return None
        claims = token_forms.token_read(token.strip(), now=times.utc_now().timestamp())
        identity = live.identity_load(
            user_id=claims.user_id, session_id=claims.session_id, expires_at=claims.expires_at
        )
        return identity, identity

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="parley"'


class CookieAuthentication(SessionAuthentication):
    """The session cookie of the pages, with the CSRF token in `X-CSRFToken`."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        identity = live.identity_of_page(request._request)
        if identity is None:
            return None
        self.enforce_csrf(request)
        return identity, identity

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="parley"'


def identity_of(request: Request) -> Identity:
    """Who asks.

    Raises:
        Unauthenticated: nobody in particular.
    """
    if isinstance(request.auth, Identity):
        return request.auth
    raise errors.Unauthenticated


class JsonParser(parsers.BaseParser):
    """One JSON value in UTF-8. Refuses NaN, what is nested too deep, and anything else as 400."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return msgspec.json.decode(stream.read())
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise exceptions.ParseError("The body is not JSON that can be read.") from error


class JsonByDefault(negotiation.DefaultContentNegotiation):
    """Asked for what we do not have, we answer with what we have: there is nothing else here."""

    def select_renderer(
        self,
        request: Request,
        renderers: Sequence[BaseRenderer],  # type: ignore[override]  # DRF says Iterable, gives a list
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        try:
            chosen: tuple[BaseRenderer, str] = super().select_renderer(
                request, renderers, format_suffix
            )
        except exceptions.NotAcceptable:
            return renderers[0], str(renderers[0].media_type)
        return chosen


class Text(serializers.CharField):
    """Text and nothing that could be read as text: DRF's own takes numbers too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Flag(serializers.BooleanField):
    """True or false: DRF's own takes "yes", 1 and null too."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Integer(serializers.IntegerField):
    """An integer: DRF's own takes "3", 3.0 and true too, as the queries of addresses need it."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Body(serializers.Serializer[Any]):
    """A request body. A field that it does not name is refused, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (
            unknown := [key for key in data if key not in self.fields]
        ):
            raise serializers.ValidationError(
                {str(key)[:64]: ["There is no such field."] for key in unknown[:20]}
            )
        return super().to_internal_value(data)


def read(serializer: type[Body], data: Any) -> dict[str, Any]:
    """A checked body (or query).

    Raises:
        rest_framework.exceptions.ValidationError: answered as 422 with `fields`.
    """
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's hook: every failure of a view as the one error shape. A fault of ours is logged with
    its trace and told without it."""
    refusal = _refusal_of(error)
    status = 0
    if isinstance(error, exceptions.MethodNotAllowed):
        status = error.status_code
    if refusal is None:
        request: HttpRequest | None = getattr(context.get("request"), "_request", None)
        log.exception("%s failed", request.path if request is not None else "a view")
        refusal = errors.Fault()
    else:
        instruments.refused(refusal.code)
    response = Response(
        {"error": refusal.as_wire(logs.request_id.get())}, status=status or refusal.http_status
    )
    for name, value in replies.headers_of(refusal).items():
        response[name] = value
    if isinstance(error, exceptions.MethodNotAllowed) and (view := context.get("view")):
        response["Allow"] = ", ".join(view.allowed_methods)
    response.exception = True
    return response


def _refusal_of(error: Exception) -> errors.ChatError | None:
    match error:
        case exceptions.ParseError():
            return errors.BadFrame(str(error.detail))
        case exceptions.UnsupportedMediaType():
            return errors.BadFrame("The body must be JSON, with Content-Type: application/json.")
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return errors.Unauthenticated()
        case exceptions.PermissionDenied():
            return errors.Forbidden(str(error.detail))
        case exceptions.NotFound():
            return errors.NotFound()
        case exceptions.MethodNotAllowed():
            return errors.NotFound("This cannot be done here.")
        case exceptions.Throttled():
            return errors.RateLimited(retry_after=getattr(error, "wait", None))
        case exceptions.ValidationError():
            fields = _flat(error.detail)
            return errors.ValidationFailed(" ".join(fields.get(WHOLE_BODY, [])), fields=fields)
        case exceptions.APIException():
            return errors.BadFrame(str(error.detail))
    return replies.refusal_of(error)


def _flat(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested complaints as `{"field": [...], "list.0.field": [...]}`."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for name, inner in detail.items():
            name = WHOLE_BODY if name == "non_field_errors" else str(name)
            found |= _flat(inner, f"{path}.{name}" if path else name)
        return found
    if isinstance(detail, list) and any(isinstance(item, Mapping | list) for item in detail):
        found = {}
        for index, inner in enumerate(detail):
            found |= _flat(inner, f"{path}.{index}" if path else str(index))
        return found
    messages = detail if isinstance(detail, list) else [detail]
    return {path or WHOLE_BODY: [str(message) for message in messages]}
