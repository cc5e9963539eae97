"""Owns which address leads where. Holds no view of its own."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from chat.admin import live
from chatsite import health
from metrics import views as metrics_views

urlpatterns = [
    path("", include("chat.urls")),
    path("accounts/", include("accounts.urls")),
    path("admin/password_change/", RedirectView.as_view(pattern_name="accounts:password")),
    path("admin/live/", live.view, name="desk-live"),
    path("admin/", admin.site.urls),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/", include("accounts.api_urls")),
    path("api/v1/", include("chat.api_urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics_views.metrics, name="metrics"),
]

handler400 = "chatsite.replies.bad_request"
handler403 = "chatsite.replies.forbidden"
handler404 = "chatsite.replies.not_found"
handler500 = "chatsite.replies.server_error"
