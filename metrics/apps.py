"""Owns the moment at which the machine's gauges join the registry. Knows no metric."""

from django.apps import AppConfig
from django.conf import settings
from prometheus_client import REGISTRY

from metrics import collectors


class MetricsConfig(AppConfig):
    name = "metrics"

    def ready(self) -> None:
        collectors.register(REGISTRY, folder=settings.DATA_DIR)
