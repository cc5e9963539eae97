"""The OpenAPI document says of accounts what is so."""

from typing import Any

import pytest
from django.urls import URLPattern
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from accounts import api_urls
from chat import errors

BASE = "/api/v1"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As served at `/api/v1/schema/`, for the calls of accounts."""
    with GENERATOR_STATS.silence():
        generator: Any = SchemaGenerator  # it has no types
        made: dict[str, Any] = generator().get_schema(request=None, public=True)
    return made


def paths() -> list[str]:
    return [
        f"{BASE}/{pattern.pattern}".replace("<str:", "{").replace(">", "}")
        for pattern in api_urls.urlpatterns
        if isinstance(pattern, URLPattern)
    ]


@pytest.mark.parametrize("path", paths())
def test_names_every_call_with_what_it_takes_and_gives(document: dict[str, Any], path: str) -> None:
    calls = document["paths"][path]

    assert calls
    for method, call in calls.items():
        assert call["description"], (method, path)
        assert any(status.startswith("2") for status in call["responses"])
        assert call["responses"]["503"]["content"]["application/json"]["schema"] == {
            "$ref": "#/components/schemas/Error"
        }
        if method in ("post", "patch"):
            assert "application/json" in call["requestBody"]["content"]
            assert {"400", "422"} <= set(call["responses"])


def test_names_no_two_calls_alike(document: dict[str, Any]) -> None:
    names = [call["operationId"] for path in paths() for call in document["paths"][path].values()]

    assert len(set(names)) == len(names) == 14
    assert not any(name[-1].isdigit() for name in names)


def test_says_which_calls_need_a_login(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"].keys() == {"bearer", "cookie"}
    assert document["paths"][f"{BASE}/me"]["get"]["security"] == [{"bearer": []}, {"cookie": []}]
    assert document["paths"][f"{BASE}/auth/login"]["post"].get("security", [{}]) == [{}]


def test_lists_every_code_of_an_error(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    code = schemas["ErrorDetail"]["properties"]["code"]
    listed = code.get("enum") or schemas[code["allOf"][0]["$ref"].rsplit("/", 1)[1]]["enum"]

    assert set(listed) == {kind.code for kind in errors.ChatError.__subclasses__()}


def test_never_gives_a_password_away(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    for name in ("OwnUser", "PublicUser", "SignedIn"):
        assert "password" not in schemas[name]["properties"]
