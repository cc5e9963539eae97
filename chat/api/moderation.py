"""Owns the calls of the REST API by which a room's owners and moderators look after it.

Knows no rule; source of the calls: docs/protocol.md, "Looking after a room".
"""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import bridge, selectors, services
from chat.api import bodies
from chat.api.views import encoded, query
from chatsite import rest
from chatsite.schema import responses


class Rules(APIView):
    @extend_schema(tags=["rooms"], responses=responses({200: bodies.RulesAnswer}, 401, 403, 404))
    def get(self, request: Request, room: str) -> HttpResponse:
        """A room's own word rules (owners and moderators)."""
        me = rest.identity_of(request)
        return encoded({"rules": bridge.run(selectors.room_rules(me, room=room))})


class Held(APIView):
    @extend_schema(tags=["rooms"], responses=responses({200: bodies.HeldListAnswer}, 401, 403, 404))
    def get(self, request: Request, room: str) -> HttpResponse:
        """What waits for a moderator (owners and moderators)."""
        me = rest.identity_of(request)
        return encoded({"results": bridge.run(selectors.held_list(me, room=room))})


class OneHeld(APIView):
    @extend_schema(
        tags=["rooms"],
        request=bodies.DecisionBody,
        responses=responses({204: None}, 400, 401, 403, 404, 409, 422),
    )
    def post(self, request: Request, room: str, message: str) -> Response:
        """Let a held message into the room, or never."""
        me = rest.identity_of(request)
        body = rest.read(bodies.DecisionBody, request.data)
        decide = services.held_release if body.pop("release") else services.held_reject
        bridge.run(decide(me, room=room, message=message, **body))
        return Response(status=204)


class Bans(APIView):
    @extend_schema(tags=["members"], responses=responses({200: bodies.BansAnswer}, 401, 403, 404))
    def get(self, request: Request, room: str) -> HttpResponse:
        """Who may not come back (owners and moderators)."""
        me = rest.identity_of(request)
        return encoded({"results": bridge.run(selectors.bans_list(me, room=room))})


class OneBan(APIView):
    @extend_schema(
        tags=["members"],
        parameters=[bodies.LiftQuery],
        responses=responses({204: None}, 401, 403, 404),
    )
    def delete(self, request: Request, room: str, user: str) -> Response:
        """Let somebody come back."""
        me = rest.identity_of(request)
        reason = query(bodies.LiftQuery, request)["reason"]
        bridge.run(services.ban_lift(me, room=room, user=user, reason=reason))
        return Response(status=204)
