"""Owns the desk's page of what goes on now: every replica's vitals, drawn as small plots on the
server, so that it works without scripts; `desk_live.js` asks for them again."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from chat import bridge, fanout, vitals
from chat.admin.base import may
from chat.vitals import Replica, Sample

WIDTH: Final = 178
HEIGHT: Final = 40
PLOTS: Final = (
    ("connections", "Connections", ""),
    ("messages_s", "Messages stored", "/s"),
    ("received_s", "Frames received", "/s"),
    ("sent_s", "Frames sent", "/s"),
    ("refused_s", "Refusals", "/s"),
    ("ack_p50_ms", "Ack, median", " ms"),
    ("ack_p99_ms", "Ack, 99th percentile", " ms"),
    ("deliver_p99_ms", "Delivery, 99th percentile", " ms"),
    ("queue", "Events waiting to be written", ""),
    ("lag_ms", "Event loop late by", " ms"),
    ("cpu_percent", "Processor", " %"),
    ("memory_mb", "Memory", " MiB"),
)


class Plot(NamedTuple):
    """One figure: a line a replica, all on one scale."""

    title: str
    now: str
    top: str
    lines: list[str]


def page(request: HttpRequest) -> HttpResponse:
    """The page; with `?part=1` only what changes of it."""
    if not may(request, "chat.view_moderationaction"):
        return HttpResponse(status=403)
    replicas, is_shared = bridge.run(_known())
    template = "admin/chat/_live.html" if request.GET.get("part") else "admin/chat/live.html"
    return TemplateResponse(request, template, {
        **admin.site.each_context(request),
        "title": "Live", "is_shared": is_shared, "width": WIDTH, "height": HEIGHT,
        "replicas": [(one, one.samples[-1] if one.samples else Sample()) for one in replicas],
        "plots": [plot(replicas, *which) for which in PLOTS],
    })  # fmt: skip


def plot(replicas: Sequence[Replica], field: str, title: str, unit: str) -> Plot:
    """The lines of one figure, and what it is now: added up, but for times, of which the worst."""
    series = [[float(getattr(one, field)) for one in each.samples] for each in replicas]
    top = max((value for values in series for value in values), default=0.0)
    newest = [values[-1] for values in series if values]
    now = max(newest, default=0.0) if field.endswith("_ms") else sum(newest)
    return Plot(title, _said(now, unit), _said(top, unit), [_line(each, top) for each in series])


def _line(values: Sequence[float], top: float) -> str:
    """The points of a polyline; the newest sample is at the right edge."""
    step = WIDTH / (vitals.SAMPLES_KEPT - 1)
    left = WIDTH - step * (len(values) - 1)
    return " ".join(
        f"{left + step * at:.1f},{HEIGHT - 1 - value / (top or 1) * (HEIGHT - 2):.1f}"
        for at, value in enumerate(values)
    )


def _said(value: float, unit: str) -> str:
    return f"{value:,.0f}{unit}" if value >= 100 or value == int(value) else f"{value:,.1f}{unit}"


async def _known() -> tuple[list[Replica], bool]:
    found: tuple[list[Replica], bool] = await vitals.of(await fanout.current()).known()
    return found


view: Any = admin.site.admin_view(page)
