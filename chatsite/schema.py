"""Owns what the OpenAPI document says of authentication and errors. Knows no call of the API."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

from chat import errors

STATUSES: Final = {
    400: "The body is not JSON.",
    401: "Nobody in particular, or the token has expired or its session ended.",
    403: "Not allowed.",
    404: "No such thing, or not for the asker to see.",
    409: "Taken already.",
    413: "Too large.",
    422: "A field cannot be accepted; `fields` says which and why.",
    429: "Too often; `Retry-After` says when to try again.",
    503: "The database cannot be reached.",
}

ERROR: Final = inline_serializer(
    "Error",
    {
        "error": inline_serializer(
            "ErrorDetail",
            {
                "code": serializers.ChoiceField(
                    sorted({kind.code for kind in errors.ChatError.__subclasses__()}),
                    help_text="Programs match on this.",
                ),
                "message": serializers.CharField(help_text="For people."),
                "retry_after": serializers.FloatField(required=False, help_text="Seconds."),
                "fields": serializers.DictField(
                    child=serializers.ListField(child=serializers.CharField()),
                    required=False,
                    help_text="What is wrong with each field.",
                ),
                "reason": serializers.CharField(
                    required=False, help_text="Tells apart what shares a code."
                ),
                "request_id": serializers.CharField(),
            },
        )
    },
)


def responses(good: Mapping[int, Any], *refusals: int) -> dict[int, Any]:
    """For `extend_schema(responses=...)`: the good answers, and the one shape for each refusal.

    503 goes without saying.
    """
    answers: dict[int, Any] = dict(good)
    for status in sorted({*refusals, 503}):
        answers[status] = OpenApiResponse(ERROR, description=STATUSES[status])
    return answers


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = "chatsite.rest.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class CookieScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = "chatsite.rest.CookieAuthentication"
    name = "cookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": f"With the value of the cookie `{settings.CSRF_COOKIE_NAME}` in the "
            "header `X-CSRFToken` on every call that changes something.",
        }
