"""Owns the addresses of the accounts API, under `/api/v1/`."""

from django.urls import path

from accounts import api

app_name = "accounts-api"

urlpatterns = [
    path("auth/register", api.Register.as_view(), name="register"),
    path("auth/login", api.Login.as_view(), name="login"),
    path("auth/refresh", api.Refresh.as_view(), name="refresh"),
    path("auth/logout", api.Logout.as_view(), name="logout"),
    path("auth/sessions", api.Sessions.as_view(), name="sessions"),
    path("auth/sessions/<str:session_id>", api.OneSession.as_view(), name="session"),
    path("auth/password", api.Password.as_view(), name="password"),
    path("auth/password/reset", api.PasswordReset.as_view(), name="password-reset"),
    path(
        "auth/password/reset/confirm",
        api.PasswordResetConfirm.as_view(),
        name="password-reset-confirm",
    ),
    path("me", api.Me.as_view(), name="me"),
    path("users", api.Users.as_view(), name="users"),
    path("users/<str:user_id>", api.OneUser.as_view(), name="user"),
]
