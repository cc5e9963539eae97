"""Owns the account pages: each view validates, makes one call and answers with a page or redirect.

Knows no rule. All of it works without JavaScript. Synchronous: hashing and the ORM need a thread.
"""

import contextlib
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django.views.generic import FormView

from accounts import forms, selectors, services, sessions
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
            **kwargs,
            next="" if wanted == settings.LOGIN_REDIRECT_URL else wanted,
            may_register=settings.REGISTRATION,
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
        user = services.user_register(**form.cleaned_data, address=address)
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


class MembersView(LoginRequiredMixin, AccountView):
    """For those signed in; the others sign in first."""

    @property
    def user(self) -> User:
        user = self.request.user
        assert isinstance(user, User)
        return user


class ProfileView(MembersView):
    """One's own account: what others see of one, and where one is signed in."""

    template_name = "accounts/me.html"
    form_class = forms.ProfileForm

    def get_initial(self) -> dict[str, Any]:
        return {name: getattr(self.user, name) for name in self.form_class.base_fields}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        here = _login_of(self.request)
        live = selectors.sessions_live(user_id=str(self.user.pk))
        return super().get_context_data(
            **kwargs,
            me=self.user,
            is_saved="saved" in self.request.GET,
            here=[login for login in live if login.id == here],
            elsewhere=[login for login in live if login.id != here],
        )

    def accepted(self, form: forms.AccountForm) -> HttpResponse:
        services.profile_update(self.user, **form.cleaned_data)
        return redirect(f"{reverse('accounts:me')}?saved")


@never_cache
@login_required
@require_POST
def login_end(request: HttpRequest, session_id: str) -> HttpResponse:
    """End one of one's logins; one that is over already is as good as ended."""
    with contextlib.suppress(errors.NotFound):
        services.session_end(user_id=str(request.user.pk), session_id=session_id, reason="revoked")
    return redirect("accounts:me")


@never_cache
@login_required
@require_POST
def logins_end_others(request: HttpRequest) -> HttpResponse:
    """End all one's logins but this one."""
    services.sessions_end_others(user_id=str(request.user.pk), keep=_login_of(request))
    return redirect("accounts:me")


class PasswordChangeView(MembersView):
    template_name = "accounts/password_change.html"
    form_class = forms.PasswordChangeForm

    def accepted(self, form: forms.AccountForm) -> HttpResponse:
        services.password_change(
            self.user, **form.cleaned_data, keep_session_id=_login_of(self.request)
        )
        auth.update_session_auth_hash(self.request, self.user)
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
    history or `Referer` keeps it (as Django's own view does); one that is no good goes nowhere, or
    anybody could fill the database."""

    template_name = "accounts/password_reset_confirm.html"
    form_class = forms.NewPasswordForm
    kept: Final = "reset"

    def dispatch(
        self, request: HttpRequest, *args: Any, uid: str = "", token: str = "", **kwargs: Any
    ) -> HttpResponseBase:
        if token:
            request.session.pop(self.kept, None)
            if services.reset_user(uid=uid, token=token) is not None:
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


def _login_of(request: HttpRequest) -> str:
    """The id of the login that this browser is signed in by."""
    return str(request.session[sessions.LOGIN_KEY])


def _wanted(request: HttpRequest) -> str:
    """Where they were going: only ever a page of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return settings.LOGIN_REDIRECT_URL
