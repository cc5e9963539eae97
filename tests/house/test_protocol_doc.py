"""docs/protocol.md and the OpenAPI document say what the server says, all of it and no more."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from chat import closes, errors, limits
from chat.client.frames import FINAL_CLOSES
from chat.protocol import commands, frames, objects
from metrics import labels
from tests.house import tree

DOC: Final = tree.doc("docs/protocol.md")
API: Final = "/api/v1"
SCHEMA: Final = f"{API}/schema/"
CODE: Final = re.compile(r"`([^`]+)`")

OBJECTS: Final[dict[str, type[msgspec.Struct]]] = {
    "message.new": objects.Message,
    "message.edited": objects.Message,
    "member.joined": objects.Member,
    "member.left": objects.Member,
    "member.changed": objects.Member,
    "room.added": objects.Room,
}


def first_cells(heading: str) -> list[str]:
    """What stands in code in the first cell of each row of a section's tables."""
    found = []
    for cells in tree.rows(tree.section(DOC, heading)):
        found += CODE.findall(cells[0])
    return found


# --- frames ---


def test_every_command_has_its_row() -> None:
    assert sorted(first_cells("What the client says")) == sorted(commands.COMMANDS)


def test_every_push_has_its_row() -> None:
    assert sorted(first_cells("What the server pushes")) == sorted(frames.PUSHED)


def test_every_field_of_a_command_is_named_in_its_row() -> None:
    rows = {
        CODE.findall(cells[0])[0]: cells[1]
        for cells in tree.rows(tree.section(DOC, "What the client says"))
    }
    missing = {
        f"{name}.{field.name}"
        for name, kind in commands.COMMANDS.items()
        for field in msgspec.structs.fields(kind)
        if f"`{field.name}`" not in rows[name]
    }
    assert not missing


def test_what_is_counted_by_type_is_what_can_be_said() -> None:
    assert set(labels.FRAME_TYPES) == set(commands.COMMANDS)


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Person", objects.Person),
        ("Message", objects.Message),
        ("Member", objects.Member),
        ("Room", objects.Room),
    ],
)
def test_every_field_of_an_object_has_its_row(heading: str, kind: type[msgspec.Struct]) -> None:
    assert first_cells(heading) == [field.name for field in msgspec.structs.fields(kind)]


# --- errors, closes, limits ---


def test_every_error_stands_with_its_status_and_whether_to_repeat() -> None:
    rows = {
        CODE.findall(cells[0])[0]: cells[1:3] for cells in tree.rows(tree.section(DOC, "Codes"))
    }
    kinds = {kind.code: kind for kind in errors.ChatError.__subclasses__()}
    assert rows == {
        code: [str(kind.http_status), "yes" if kind.retryable else "no"]
        for code, kind in kinds.items()
    }


def close_codes() -> Iterator[int]:
    """Those of the chat, and those of the server beneath it."""
    yield from (code for name, code in vars(closes).items() if name.isupper())
    for path in tree.modules():
        for name, value in tree.assigned(ast.walk(tree.parsed(path))):
            is_number = isinstance(value, ast.Constant) and isinstance(value.value, int)
            if name.startswith("CLOSE_") and is_number:
                yield int(ast.literal_eval(value))


def test_every_close_code_has_its_row_and_is_counted() -> None:
    found = {str(code) for code in close_codes()}
    assert len(found) > 11
    assert not found - set(first_cells("Close codes"))
    assert not found - labels.CLOSE_CODES


def test_the_client_does_not_come_back_after_those_of_which_the_doc_says_so() -> None:
    _, found, rest = tree.section(DOC, "Close codes").partition("Do not come back")
    assert found
    final = {int(CODE.findall(cells[0])[0]) for cells in tree.rows(rest.split("These are")[0])}
    assert final == FINAL_CLOSES


def test_every_limit_stands_with_its_value() -> None:
    rows = {
        CODE.findall(cells[0])[0]: cells[1]
        for cells in tree.rows(tree.section(DOC, "Limits"))
        if CODE.search(cells[0])
    }
    assert rows == {
        name: f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in msgspec.structs.asdict(limits.LIMITS).items()
    }


# --- examples ---


def blocks() -> list[str]:
    """The examples, one for each JSON value."""
    return [
        line
        for block in re.findall(r"```json\n(.*?)```", DOC, re.DOTALL)
        for line in _values(block)
    ]


def _values(block: str) -> Iterator[str]:
    decoder = json.JSONDecoder()
    rest = block.strip()
    while rest:
        _, end = decoder.raw_decode(rest)
        yield rest[:end]
        rest = rest[end:].strip()


def said_and_pushed() -> tuple[list[str], list[dict[str, Any]]]:
    said, pushed = [], []
    for text in blocks():
        value = json.loads(text)
        if isinstance(value, dict) and "type" in value:
            if "id" in value:
                said.append(text)
            else:
                pushed.append(value)
    return said, pushed


def test_every_example_of_a_command_is_one() -> None:
    said, _ = said_and_pushed()
    shown = {commands.parse(text)[1] for text in said}
    assert shown == set(commands.COMMANDS)


def test_every_example_of_a_push_has_the_shape_of_one() -> None:
    _, pushed = said_and_pushed()
    assert {frame["type"] for frame in pushed} <= set(frames.PUSHED)
    for frame in pushed:
        kind = OBJECTS.get(frame["type"])
        if kind is not None:
            assert list(frame["data"]) == [field.name for field in msgspec.structs.fields(kind)]
            msgspec.convert(frame["data"], kind)


def test_every_example_of_an_error_has_its_shape() -> None:
    codes = {kind.code for kind in errors.ChatError.__subclasses__()}
    found = [
        value["error"]
        for text in blocks()
        if isinstance(value := json.loads(text), dict) and "error" in value
    ]
    assert len(found) >= 3
    for error in found:
        assert error["code"] in codes
        assert set(error) <= {"code", "message", "retry_after", "fields", "request_id"}
        assert {"code", "message", "request_id"} <= set(error)


# --- REST ---


def routes() -> set[str]:
    """Every call of the API, as `METHOD /path`."""
    return {
        f"{method} {address.removeprefix(API)}"
        for address, view in _addresses(get_resolver().url_patterns, "/")
        if address.startswith(f"{API}/") and address != SCHEMA
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if hasattr(view.view_class, method.lower())
    }


def pages() -> set[str]:
    """Every address that is not the API's and not the admin's."""
    return {
        address
        for address, _ in _addresses(get_resolver().url_patterns, "/")
        if not address.startswith((f"{API}/", "/admin/"))
    }


def _addresses(patterns: list[Any], before: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        address = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, address)
        elif isinstance(pattern, URLPattern):
            yield address, pattern.callback


def test_every_call_has_its_row() -> None:
    found = routes()
    assert len(found) > 30
    assert set(first_cells("REST")) == found


def test_every_page_has_its_row() -> None:
    documented = {address.split(" ")[-1] for address in first_cells("Pages")}
    assert documented == pages() | {"/admin/", SCHEMA}


def openapi() -> dict[str, Any]:
    generator: Any = SchemaGenerator  # drf-spectacular has no types for it
    made: dict[str, Any] = generator().get_schema(request=None, public=True)
    return made


def test_the_openapi_document_has_every_call_and_is_made_without_complaint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    GENERATOR_STATS.reset()
    made = openapi()
    assert not GENERATOR_STATS
    assert capsys.readouterr().err == ""
    described = {
        f"{method.upper()} {path.removeprefix(API)}"
        for path, calls in made["paths"].items()
        for method in calls
        if path != SCHEMA
    }
    assert described == routes()


def test_every_call_in_the_openapi_document_says_what_it_does() -> None:
    made = openapi()
    silent = [
        f"{method.upper()} {path}"
        for path, calls in made["paths"].items()
        for method, call in calls.items()
        if not call.get("description")
    ]
    assert not silent
