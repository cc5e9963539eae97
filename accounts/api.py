"""Owns the accounts half of the REST API: each view validates, makes one call and answers.

Knows no rule; source of the calls: docs/protocol.md, "REST".
"""

from typing import Any

from django.contrib.auth import update_session_auth_hash
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import selectors, serializers, services, throttles
from accounts.models import User
from chat import errors
from chatsite import addresses, rest, times
from chatsite.schema import responses


class PublicView(APIView):
    """For anyone. Who they say they are is not looked at, so a stale cookie or token cannot bar
    them from signing in."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class Register(PublicView):
    @extend_schema(
        operation_id="auth_register",
        tags=["auth"],
        request=serializers.RegisterBody,
        responses=responses({201: serializers.SignedIn}, 400, 403, 409, 422, 429),
    )
    def post(self, request: Request) -> Response:
        """Make an account and sign in."""
        body = rest.read(serializers.RegisterBody, request.data)
        user = services.user_register(**body, address=addresses.of_request(request._request))
        return Response(_signed_in(request, user), status=201)


class Login(PublicView):
    @extend_schema(
        operation_id="auth_login",
        tags=["auth"],
        request=serializers.LoginBody,
        responses=responses({200: serializers.SignedIn}, 400, 401, 403, 422, 429),
    )
    def post(self, request: Request) -> Response:
        """Sign in with a username or an e-mail address."""
        body = rest.read(serializers.LoginBody, request.data)
        user = services.login_check(**body, address=addresses.of_request(request._request))
        return Response(_signed_in(request, user))


class Refresh(PublicView):
    @extend_schema(
        operation_id="auth_refresh",
        tags=["auth"],
        request=serializers.RefreshBody,
        responses=responses({200: serializers.Tokens}, 400, 401, 422, 429),
    )
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for new tokens. It is good once: used again, the login ends."""
        refresh = rest.read(serializers.RefreshBody, request.data)["refresh"]
        throttles.take(throttles.REFRESH_ADDRESS, _network(request))
        access, refresh = services.tokens_refresh(refresh)
        return Response({"access": access, "refresh": refresh})


class Logout(PublicView):
    @extend_schema(
        operation_id="auth_logout",
        tags=["auth"],
        request=serializers.RefreshBody,
        responses=responses({204: None}, 400, 401, 422),
    )
    def post(self, request: Request) -> Response:
        """End the login that a refresh token belongs to."""
        services.tokens_revoke(rest.read(serializers.RefreshBody, request.data)["refresh"])
        return Response(status=204)


class Sessions(APIView):
    @extend_schema(
        operation_id="auth_sessions_list",
        tags=["auth"],
        responses=responses({200: serializers.SessionsList}, 401),
    )
    def get(self, request: Request) -> Response:
        """One's logins that go on, the most recently used first."""
        me = rest.identity_of(request)
        return Response(
            {
                "results": [
                    {
                        "id": session.id,
                        "kind": session.kind,
                        "agent": session.agent,
                        "address": session.address,
                        "created_at": times.to_wire(session.created_at),
                        "last_used_at": times.to_wire(session.last_used_at),
                        "expires_at": times.to_wire(session.expires_at),
                        "current": session.id == me.session_id,
                    }
                    for session in selectors.sessions_live(user_id=me.user_id)
                ]
            }
        )

    @extend_schema(
        operation_id="auth_sessions_end_others",
        tags=["auth"],
        responses=responses({204: None}, 401),
    )
    def delete(self, request: Request) -> Response:
        """End all one's logins but this one."""
        me = rest.identity_of(request)
        services.sessions_end_others(user_id=me.user_id, keep=me.session_id)
        return Response(status=204)


class OneSession(APIView):
    @extend_schema(
        operation_id="auth_sessions_end", tags=["auth"], responses=responses({204: None}, 401, 404)
    )
    def delete(self, request: Request, session_id: str) -> Response:
        """End one of one's logins."""
        me = rest.identity_of(request)
        services.session_end(user_id=me.user_id, session_id=session_id, reason="revoked")
        return Response(status=204)


class Password(APIView):
    @extend_schema(
        operation_id="auth_password_change",
        tags=["auth"],
        request=serializers.PasswordBody,
        responses=responses({204: None}, 400, 401, 409, 422, 429),
    )
    def post(self, request: Request) -> Response:
        """Change one's password. All one's other logins end."""
        body = rest.read(serializers.PasswordBody, request.data)
        me, user = rest.identity_of(request), _own(request)
        services.password_change(user, **body, keep_session_id=me.session_id)
        if me.expires_at is None:  # by cookie: Django ties that session to the password
            request._request.user = user
            update_session_auth_hash(request._request, user)
        return Response(status=204)


class PasswordReset(PublicView):
    @extend_schema(
        operation_id="auth_password_reset",
        tags=["auth"],
        request=serializers.ResetBody,
        responses=responses({204: None}, 400, 422, 429),
    )
    def post(self, request: Request) -> Response:
        """Ask for a link that sets a new password. The answer does not say whether it was sent."""
        services.password_reset_request(
            **rest.read(serializers.ResetBody, request.data),
            origin=addresses.origin_of(request._request),
            address=addresses.of_request(request._request),
        )
        return Response(status=204)


class PasswordResetConfirm(PublicView):
    @extend_schema(
        operation_id="auth_password_reset_confirm",
        tags=["auth"],
        request=serializers.ResetConfirmBody,
        responses=responses({204: None}, 400, 409, 422, 429),
    )
    def post(self, request: Request) -> Response:
        """Set a new password with the link's `uid` and `token`. All one's logins end."""
        services.password_reset(
            **rest.read(serializers.ResetConfirmBody, request.data),
            address=addresses.of_request(request._request),
        )
        return Response(status=204)


class Me(APIView):
    @extend_schema(
        operation_id="me_get", tags=["people"], responses=responses({200: serializers.OwnUser}, 401)
    )
    def get(self, request: Request) -> Response:
        """One's own profile."""
        return Response(selectors.user_own(_own(request)))

    @extend_schema(
        operation_id="me_update",
        tags=["people"],
        request=serializers.ProfileBody,
        responses=responses({200: serializers.OwnUser}, 400, 401, 422),
    )
    def patch(self, request: Request) -> Response:
        """Change one's profile: what is left out stays as it is."""
        body = rest.read(serializers.ProfileBody, request.data)
        return Response(selectors.user_own(services.profile_update(_own(request), **body)))


class Users(APIView):
    @extend_schema(
        operation_id="users_search",
        tags=["people"],
        parameters=[serializers.UsersQuery],
        responses=responses({200: serializers.UsersPage}, 401, 422),
    )
    def get(self, request: Request) -> Response:
        """People whose username or display name starts with `q`."""
        return Response(
            selectors.users_search(
                q=request.query_params.get("q", ""), cursor=request.query_params.get("cursor", "")
            )
        )


class OneUser(APIView):
    @extend_schema(
        operation_id="users_get",
        tags=["people"],
        responses=responses({200: serializers.PublicUser}, 401, 404),
    )
    def get(self, request: Request, user_id: str) -> Response:
        """One person."""
        return Response(selectors.user_public(user_id))


def _own(request: Request) -> User:
    user = selectors.user_by_id(rest.identity_of(request).user_id)
    if user is None:
        raise errors.Unauthenticated
    return user


def _signed_in(request: Request, user: User) -> dict[str, Any]:
    session = services.session_create(
        user,
        agent=request.headers.get("User-Agent", ""),
        address=addresses.of_request(request._request),
    )
    access, refresh = services.tokens_issue(session)
    return {"user": selectors.user_own(user), "access": access, "refresh": refresh}


def _network(request: Request) -> str:
    return addresses.network(addresses.of_request(request._request))
