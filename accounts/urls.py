"""Owns the addresses of the account pages, under `/accounts/`."""

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import path
from django.views.generic import TemplateView

from accounts import views

app_name = "accounts"


def _page(name: str) -> Callable[..., HttpResponseBase]:
    return TemplateView.as_view(template_name=f"accounts/{name}.html")


urlpatterns = [
    path("login/", views.LoginView.as_view(), name="login"),
    path("register/", views.RegisterView.as_view(), name="register"),
    path("logout/", views.logout, name="logout"),
    path("me/", views.ProfileView.as_view(), name="me"),
    path("me/logins/end/", views.logins_end_others, name="logins-end-others"),
    path("me/logins/<str:session_id>/end/", views.login_end, name="login-end"),
    path("password/", views.PasswordChangeView.as_view(), name="password"),
    path("password/changed/", _page("password_changed"), name="password-changed"),
    path("password/reset/", views.PasswordResetView.as_view(), name="password-reset"),
    path("password/reset/sent/", _page("password_reset_sent"), name="password-reset-sent"),
    path(
        "password/reset/new/", views.PasswordResetConfirmView.as_view(), name="password-reset-new"
    ),
    path("password/reset/done/", _page("password_reset_done"), name="password-reset-done"),
    path(
        "password/reset/<str:uid>/<str:token>/",
        views.PasswordResetConfirmView.as_view(),
        name="password-reset-confirm",
    ),
]
