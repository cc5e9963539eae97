"""Static files: compressed, cached by the name of the build, nothing else given away."""

import zlib
from pathlib import Path

import brotli
import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import RequestFactory

from chatsite import build, statics

SCRIPT = "js/timeline.js"


@pytest.fixture(scope="module")
def middleware() -> statics.StaticsMiddleware:
    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse("a page", status=404)

    return statics.StaticsMiddleware(page)


def asked(
    middleware: statics.StaticsMiddleware, path: str, *, method: str = "GET", **headers: str
) -> HttpResponse:
    answer = middleware(RequestFactory().generic(method, path, headers=headers))
    assert isinstance(answer, HttpResponse)
    return answer


def source(name: str) -> bytes:
    return (Path(settings.STATICFILES_DIRS[0]) / name).read_bytes()


@pytest.mark.parametrize("accepted", ["br", "gzip", "gzip, deflate, br", "", "br;q=0, gzip"])
def test_sends_what_the_browser_can_read(
    middleware: statics.StaticsMiddleware, accepted: str
) -> None:
    answer = asked(middleware, settings.STATIC_URL + SCRIPT, **{"Accept-Encoding": accepted})
    body = answer.content
    match answer.headers.get("Content-Encoding", ""):
        case "br":
            assert "br" in accepted
            body = brotli.decompress(body)
        case "gzip":
            assert "gzip" in accepted
            body = zlib.decompress(body, 16 + zlib.MAX_WBITS)
        case _:
            assert not accepted
    assert body == source(SCRIPT)
    assert answer["Vary"] == "Accept-Encoding"
    assert int(answer["Content-Length"]) == len(answer.content)


def test_an_address_of_this_build_may_be_kept_for_ever(
    middleware: statics.StaticsMiddleware,
) -> None:
    assert "immutable" in asked(middleware, settings.STATIC_URL + SCRIPT)["Cache-Control"]


@pytest.mark.parametrize("root", ["/static/", "/static/0123456789ab/"])
def test_another_build_gets_what_there_is_but_not_to_keep(
    middleware: statics.StaticsMiddleware, root: str
) -> None:
    answer = asked(middleware, root + SCRIPT)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-cache"


def test_says_not_modified_to_who_has_it(middleware: statics.StaticsMiddleware) -> None:
    first = asked(middleware, settings.STATIC_URL + SCRIPT)
    again = asked(middleware, settings.STATIC_URL + SCRIPT, **{"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize(
    "path",
    ["/static/../manage.py", "/static/js/", "/static/nothing.js", "/static//js/chat.js", "/rooms/"],
)
def test_leaves_everything_else_to_the_pages(
    middleware: statics.StaticsMiddleware, path: str
) -> None:
    assert asked(middleware, path).content == b"a page"


def test_answers_head_without_a_body_and_refuses_to_be_written(
    middleware: statics.StaticsMiddleware,
) -> None:
    head = asked(middleware, settings.STATIC_URL + SCRIPT, method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert asked(middleware, settings.STATIC_URL + SCRIPT, method="POST").status_code == 405


async def test_works_without_a_thread() -> None:
    async def page(request: HttpRequest) -> HttpResponse:
        raise AssertionError("a static file was asked for")

    middleware = statics.StaticsMiddleware(page)
    answer = middleware(RequestFactory().get(settings.STATIC_URL + SCRIPT))
    assert not isinstance(answer, HttpResponseBase)
    assert (await answer).status_code == 200


def test_a_build_is_named_by_what_is_in_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("one")
    first = build.name_of(tmp_path)
    assert first == build.name_of(tmp_path)
    assert len(first) == build.NAME_CHARS
    (tmp_path / "a.js").write_text("two")
    second = build.name_of(tmp_path)
    (tmp_path / "a.js").rename(tmp_path / "b.js")
    assert len({first, second, build.name_of(tmp_path)}) == 3
