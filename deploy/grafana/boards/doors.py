"""Owns the dashboards WebSocket and HTTP: the ways in.

Must not know how they are drawn.
"""

from boards.panel import (
    BYTES,
    FAILED,
    PER_S,
    SECONDS,
    SHARE,
    Board,
    Panel,
    gauge,
    quantiles,
    rate,
    until,
)
from boards.shared import MESSAGES, REFUSALS, SLOW, SOCKETS

WEBSOCKET = Board(
    name="WebSocket",
    description="Sockets: who is here, what they say, why they go.",
    panels=(
        SOCKETS,
        Panel(
            title="Opened",
            description="New sockets. A steady stream without people coming is clients that cannot "
            "stay.",
            queries=((rate("ws_connections_total", "instance"), "{{instance}}"),),
            unit=PER_S,
            steps=until(50, 300),
        ),
        Panel(
            title="Ended, by close code",
            description="1000 and 1001: left. 1006: the line was lost. 1012: restart. 4002: no "
            "pong. 4008: too slow. 4400 to 4409: refused (docs/protocol.md, Close codes).",
            queries=((rate("ws_disconnections_total", "code") + " > 0", "{{code}}"),),
            unit=PER_S,
            steps=until(50, 300),
            kind="bars",
        ),
        Panel(
            title="Refused at the door",
            description="Handshakes, because there were too many sockets of one address or of all.",
            queries=((rate("parley_sockets_refused_total", "bound"), "{{bound}}"),),
            unit=PER_S,
            steps=until(0.1, 1),
        ),
        Panel(
            title="Frames in, by type",
            description="What clients do. `other` is nothing of the protocol.",
            queries=((rate("ws_messages_received_total", "type") + " > 0", "{{type}}"),),
            unit=PER_S,
            steps=until(5000, 20_000),
            kind="bars",
        ),
        Panel(
            title="Frames out",
            description="Events, replies and everything pushed, as handed to sockets.",
            queries=((rate("ws_messages_sent_total", "instance"), "{{instance}}"),),
            unit=PER_S,
            steps=until(100_000, 250_000),
        ),
        Panel(
            title="Frames out, a socket",
            description="What one client has to read. Above some hundreds a second a telephone "
            "cannot keep up.",
            queries=(
                (
                    f"{rate('ws_messages_sent_total')} / sum({gauge('ws_connections_active')})",
                    "frames",
                ),
            ),
            unit=PER_S,
            steps=until(100, 500),
        ),
        REFUSALS,
        SLOW,
        MESSAGES,
    ),
)

HTTP = Board(
    name="HTTP",
    description="Pages and REST.",
    panels=(
        Panel(
            title="Requests, by status",
            description="4xx is people trying what does not go, 5xx is us.",
            queries=((rate("http_requests_total", "status"), "{{status}}"),),
            unit=PER_S,
            steps=until(500, 2000),
            kind="bars",
        ),
        Panel(
            title="Requests, by method",
            description="GET reads, the others write.",
            queries=((rate("http_requests_total", "method"), "{{method}}"),),
            unit=PER_S,
            steps=until(500, 2000),
            kind="bars",
        ),
        Panel(
            title="Server errors",
            description="Share of all requests that end with 5xx.",
            queries=(
                (
                    f"({rate('http_requests_total', where=FAILED)} or vector(0))"
                    f" / {rate('http_requests_total')}",
                    "5xx",
                ),
            ),
            unit=SHARE,
            steps=until(0.001, 0.01),
        ),
        Panel(
            title="Time to answer",
            description="Of all requests, in the replica: without the proxy and the line.",
            queries=quantiles(
                "django_http_requests_latency_including_middlewares_seconds", 0.5, 0.95, 0.99
            ),
            unit=SECONDS,
            steps=until(0.5, 2),
        ),
        Panel(
            title="Slowest views (p95)",
            description="The ten slowest. Signing in and registering take their time on purpose: "
            "passwords are hashed with Argon2.",
            queries=(
                (
                    "topk(10, histogram_quantile(0.95, "
                    + rate("django_http_requests_latency_seconds_by_view_method_bucket", "le, view")
                    + "))",
                    "{{view}}",
                ),
            ),
            unit=SECONDS,
            steps=until(0.5, 2),
        ),
        Panel(
            title="Busiest views",
            description="The ten that are asked most.",
            queries=(
                (
                    "topk(10, "
                    + rate("django_http_requests_latency_seconds_by_view_method_count", "view")
                    + ")",
                    "{{view}}",
                ),
            ),
            unit=PER_S,
            steps=until(500, 2000),
        ),
        Panel(
            title="Size of answers (p95)",
            description="Before compression by a proxy.",
            queries=quantiles("django_http_responses_body_total_bytes", 0.5, 0.95),
            unit=BYTES,
            steps=until(256 * 1024, 1024 * 1024),
        ),
        Panel(
            title="New accounts",
            description="Registrations an hour. A sudden flood is not people.",
            queries=((f"3600 * {rate('user_registrations_total')}", "an hour"),),
            steps=until(100, 1000),
        ),
        REFUSALS,
    ),
)
