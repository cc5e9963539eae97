"""Owns the account pages: each view validates, makes one call and answers with a page or redirect.

Knows no rule. All of it works without JavaScript. Synchronous: hashing and the ORM need a thread.
"""

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django.views.generic import FormView

from accounts import forms, services, sessions, throttles
from accounts.models import User
from chat import errors
from chatsite import addresses, replies
from metrics import instruments

if TYPE_CHECKING:  # Django's class takes its type argument from the stubs only
    AnyFormView = FormView[Any]
else:
    AnyFormView = FormView

BACKEND: Final = "accounts.backends.LoginBackend"


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class AccountView(AnyFormView):
    """One form, one service. A refusal is shown on the form, with the refusal's HTTP status."""

    def form_valid(self, form: forms.AccountForm) -> HttpResponse:
        try:
            return self.accepted(form)
        except errors.ChatError as refusal:
            instruments.refused(refusal.code)
            form.refuse(refusal)
            response = self.render_to_response(self.get_context_data(form=form))
            response.status_code = refusal.http_status
            for name, value in replies.headers_of(refusal).items():
                if name != "WWW-Authenticate":  # a browser would ask for a password of its own
                    response[name] = value
            return response

    def form_invalid(self, form: forms.AccountForm) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 422
        return response

    def accepted(self, form: forms.AccountForm) -> HttpResponse:
        """Make the one call and answer; `ChatError`s are shown on the form."""
        raise NotImplementedError


class StrangersView(AccountView):
    """For those not signed in; the others go on to where they wanted to."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect(_wanted(request))
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wanted = _wanted(self.request)
        return super().get_context_data(
            **kwargs, next="" if wanted == settings.LOGIN_REDIRECT_URL else wanted
        )


class LoginView(StrangersView):
    template_name = "accounts/login.html"
    form_class = forms.LoginForm

    def accepted(self, form: forms.AccountForm) -> HttpResponse:
        address = addresses.of_request(self.request)
        try:
            user = services.login_check(**form.cleaned_data, address=address)
        except errors.PasswordChangeNeeded:
            uid, token = services.password_link(login=form.cleaned_data["login"])
            return redirect("accounts:password-reset-confirm", uid=uid, token=token)
        auth.login(self.request, user, backend=BACKEND)
        return redirect(_wanted(self.request))


class RegisterView(StrangersView):
    template_name = "accounts/register.html"
    form_class = forms.RegisterForm

    def accepted(self, form: forms.AccountForm) -> HttpResponse:
        address = addresses.of_request(self.request)
        throttles.take(throttles.REGISTER_ADDRESS, throttles.network(address))
        user = services.user_create(**form.cleaned_data)
        auth.login(self.request, user, backend=BACKEND)
        return redirect(_wanted(self.request))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def logout(request: HttpRequest) -> HttpResponse:
    """Ask (GET), or end the login (POST)."""
    if request.method == "POST":
        auth.logout(request)
        return redirect(settings.LOGOUT_REDIRECT_URL)
    if not request.user.is_authenticated:
        return redirect(settings.LOGOUT_REDIRECT_URL)
    return render(request, "accounts/logout.html", {"username": request.user.get_username()})


class PasswordChangeView(AccountView):
    template_name = "accounts/password_change.html"
    form_class = forms.PasswordChangeForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect(f"{settings.LOGIN_URL}?next={request.path}")
        return super().dispatch(request, *args, **kwargs)

    def accepted(self, form: forms.AccountForm) -> HttpResponse:
        user = self.request.user
        assert isinstance(user, User)
        services.password_change(
            user,
            **form.cleaned_data,
            keep_session_id=str(self.request.session[sessions.LOGIN_KEY]),
        )
        auth.update_session_auth_hash(self.request, user)
        return redirect("accounts:password-changed")


class PasswordResetView(AccountView):
    template_name = "accounts/password_reset.html"
    form_class = forms.PasswordResetForm

    def accepted(self, form: forms.AccountForm) -> HttpResponse:
        services.password_reset_request(
            **form.cleaned_data,
            origin=addresses.origin_of(self.request),
            address=addresses.of_request(self.request),
        )
        return redirect("accounts:password-reset-sent")


class PasswordResetConfirmView(AccountView):
    """The link in the mail. Its token moves from the address to the session at once, so that no
    history, log or `Referer` keeps it (as Django's own view does)."""

    template_name = "accounts/password_reset_confirm.html"
    form_class = forms.NewPasswordForm
    kept: Final = "reset"

    def dispatch(
        self, request: HttpRequest, *args: Any, uid: str = "", token: str = "", **kwargs: Any
    ) -> HttpResponseBase:
        if token:
            request.session[self.kept] = [uid, token]
            return redirect("accounts:password-reset-new")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        uid, token = self._link()
        user = services.reset_user(uid=uid, token=token)
        is_forced = user is not None and user.must_change_password
        return super().get_context_data(
            **kwargs, link_is_good=user is not None, is_forced=is_forced
        )

    def accepted(self, form: forms.AccountForm) -> HttpResponse:
        uid, token = self._link()
        services.password_reset(
            uid=uid,
            token=token,
            **form.cleaned_data,
            address=addresses.of_request(self.request),
        )
        self.request.session.pop(self.kept, None)
        return redirect("accounts:password-reset-done")

    def _link(self) -> tuple[str, str]:
        kept = self.request.session.get(self.kept, ["", ""])
        return str(kept[0]), str(kept[1])


def _wanted(request: HttpRequest) -> str:
    """Where they were going: only ever a page of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return settings.LOGIN_REDIRECT_URL
