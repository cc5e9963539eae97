"""Owns `/metrics`: who may read it and in what form. Makes no metric.

Answers those who come from the machine itself, and those who bring `METRICS_TOKEN`. A proxy on the
same machine also comes from there, so a request that was forwarded counts as from outside.
"""

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from metrics import logs

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")


@never_cache
@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    """Everything this replica counts, in the Prometheus text format."""
    if not (_brings_token(request) or _is_local(request)):
        error = {
            "code": "forbidden",
            "message": "Metrics are for this machine and for bearers of METRICS_TOKEN.",
            "request_id": logs.request_id.get(),
        }
        return JsonResponse({"error": error}, status=403)
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _brings_token(request: HttpRequest) -> bool:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    expected = settings.METRICS_TOKEN
    return bool(
        expected
        and scheme.lower() == "bearer"
        and hmac.compare_digest(token.encode(), expected.encode())
    )


def _is_local(request: HttpRequest) -> bool:
    if any(name in request.META for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
