"""Owns the chat's half of the REST API: each view validates, makes one call and answers.

Knows no rule; source of the calls: docs/protocol.md, "REST".
"""

import uuid
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import bridge, limits, selectors, services
from chat.api import bodies
from chat.protocol import frames
from chatsite import rest, times
from chatsite.schema import responses


def encoded(value: Any, *, status: int = 200) -> HttpResponse:
    """An answer in the wire's own encoding (the same bytes as in frames)."""
    return HttpResponse(frames.encode(value), status=status, content_type="application/json")


def query(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The checked query of an address. Answered as 422 when it is wrong."""
    checked = serializer(data=request.query_params)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


class Server(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(tags=["server"], responses=responses({200: bodies.ServerAnswer}))
    def get(self, request: Request) -> HttpResponse:
        """What this server is and what it allows."""
        return encoded({"name": "parley", "version": settings.VERSION, "limits": limits.LIMITS})


class Rooms(APIView):
    @extend_schema(
        operation_id="rooms_list",
        tags=["rooms"],
        parameters=[bodies.CursorQuery],
        responses=responses({200: bodies.RoomsAnswer}, 401, 422),
    )
    def get(self, request: Request) -> HttpResponse:
        """One's rooms, with what is unread."""
        me = rest.identity_of(request)
        asked = query(bodies.CursorQuery, request)
        return encoded(bridge.run(selectors.rooms_page(me, **asked)))

    @extend_schema(
        tags=["rooms"],
        request=bodies.RoomBody,
        responses=responses({201: bodies.RoomAnswer}, 400, 401, 403, 409, 422, 429),
    )
    def post(self, request: Request) -> HttpResponse:
        """Make a channel or a group; its maker owns it."""
        me = rest.identity_of(request)
        body = rest.read(bodies.RoomBody, request.data)
        room = bridge.run(services.room_create(me, **body))
        return encoded(bridge.run(selectors.room_get(me, room=room)), status=201)


class PublicRooms(APIView):
    @extend_schema(
        tags=["rooms"],
        parameters=[bodies.SearchQuery],
        responses=responses({200: bodies.PublicRoomsAnswer}, 401, 422),
    )
    def get(self, request: Request) -> HttpResponse:
        """Channels that one may join, by name."""
        me = rest.identity_of(request)
        asked = query(bodies.SearchQuery, request)
        return encoded(bridge.run(selectors.rooms_public(me, **asked)))


class Directs(APIView):
    @extend_schema(
        tags=["rooms"],
        request=bodies.UserIdsBody,
        responses=responses(
            {200: bodies.RoomAnswer, 201: bodies.RoomAnswer}, 400, 401, 403, 422, 429
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        """The direct room with these people: the same people, the same room."""
        me = rest.identity_of(request)
        body = rest.read(bodies.UserIdsBody, request.data)
        room, is_new = bridge.run(services.direct_open(me, **body))
        shown = bridge.run(selectors.room_get(me, room=room))
        return encoded(shown, status=201 if is_new else 200)


class OneRoom(APIView):
    @extend_schema(tags=["rooms"], responses=responses({200: bodies.RoomAnswer}, 401, 404))
    def get(self, request: Request, room: str) -> HttpResponse:
        """One room."""
        return encoded(bridge.run(selectors.room_get(rest.identity_of(request), room=room)))

    @extend_schema(
        tags=["rooms"],
        request=bodies.RoomChangeBody,
        responses=responses({200: bodies.RoomAnswer}, 400, 401, 403, 404, 409, 422),
    )
    def patch(self, request: Request, room: str) -> HttpResponse:
        """Change what a room is (owners and moderators)."""
        me = rest.identity_of(request)
        body = rest.read(bodies.RoomChangeBody, request.data)
        bridge.run(services.room_update(me, room=room, **body))
        return encoded(bridge.run(selectors.room_get(me, room=room)))


class Join(APIView):
    @extend_schema(
        tags=["rooms"], request=None, responses=responses({204: None}, 401, 403, 404, 429)
    )
    def post(self, request: Request, room: str) -> Response:
        """Join a channel."""
        bridge.run(services.room_join(rest.identity_of(request), room=room))
        return Response(status=204)


class Leave(APIView):
    @extend_schema(
        tags=["rooms"], request=None, responses=responses({204: None}, 401, 403, 404, 429)
    )
    def post(self, request: Request, room: str) -> Response:
        """Leave a room."""
        bridge.run(services.room_leave(rest.identity_of(request), room=room))
        return Response(status=204)


class Members(APIView):
    @extend_schema(
        tags=["members"],
        parameters=[bodies.CursorQuery],
        responses=responses({200: bodies.MembersAnswer}, 401, 404, 422),
    )
    def get(self, request: Request, room: str) -> HttpResponse:
        """Who is in a room."""
        me = rest.identity_of(request)
        asked = query(bodies.CursorQuery, request)
        return encoded(bridge.run(selectors.members_list(me, room=room, **asked)))

    @extend_schema(
        tags=["members"],
        request=bodies.UserIdsBody,
        responses=responses({204: None}, 400, 401, 403, 404, 422, 429),
    )
    def post(self, request: Request, room: str) -> Response:
        """Add people to a room."""
        me = rest.identity_of(request)
        body = rest.read(bodies.UserIdsBody, request.data)
        bridge.run(services.members_add(me, room=room, **body))
        return Response(status=204)


class OneMember(APIView):
    @extend_schema(
        tags=["members"],
        request=bodies.MemberChangeBody,
        responses=responses({204: None}, 400, 401, 403, 404, 409, 422),
    )
    def patch(self, request: Request, room: str, user: str) -> Response:
        """Change somebody's role, or mute them until a moment."""
        me = rest.identity_of(request)
        body = rest.read(bodies.MemberChangeBody, request.data)
        if "mute_until" in body:
            until = body["mute_until"]
            body["mute_until"] = min(until, times.LAST) if until else times.NEVER
        bridge.run(services.member_update(me, room=room, user=user, **body))
        return Response(status=204)

    @extend_schema(
        tags=["members"],
        parameters=[bodies.RemoveQuery],
        responses=responses({204: None}, 401, 403, 404, 422),
    )
    def delete(self, request: Request, room: str, user: str) -> Response:
        """Take somebody out of a room, with `ban` for a time or for good."""
        me = rest.identity_of(request)
        asked = query(bodies.RemoveQuery, request)
        until = asked.pop("until", times.NEVER)
        bridge.run(services.member_remove(me, room=room, user=user, ban_until=until, **asked))
        return Response(status=204)


class OwnMembership(APIView):
    @extend_schema(
        tags=["members"],
        request=bodies.OwnMembershipBody,
        responses=responses({200: bodies.RoomAnswer}, 400, 401, 404, 422),
    )
    def patch(self, request: Request, room: str) -> HttpResponse:
        """One's own settings in a room."""
        me = rest.identity_of(request)
        body = rest.read(bodies.OwnMembershipBody, request.data)
        bridge.run(services.membership_update(me, room=room, **body))
        return encoded(bridge.run(selectors.room_get(me, room=room)))


class Messages(APIView):
    @extend_schema(
        operation_id="rooms_messages_list",
        tags=["messages"],
        parameters=[bodies.MessagesQuery],
        responses=responses({200: bodies.MessagesAnswer}, 401, 404, 422),
    )
    def get(self, request: Request, room: str) -> HttpResponse:
        """A page of messages: the newest, or those before, after or around one."""
        me = rest.identity_of(request)
        asked = query(bodies.MessagesQuery, request)
        return encoded(bridge.run(selectors.messages_page(me, room=room, **asked)))

    @extend_schema(
        tags=["messages"],
        request=bodies.MessageBody,
        responses=responses(
            {200: bodies.SentAnswer, 201: bodies.SentAnswer}, 400, 401, 403, 404, 409, 422, 429
        ),
    )
    def post(self, request: Request, room: str) -> HttpResponse:
        """Say something. The same id again stores nothing new (200, `duplicate`)."""
        me = rest.identity_of(request)
        body = rest.read(bodies.MessageBody, request.data)
        sent = bridge.run(services.message_send(me, room=room, **body))
        if sent.duplicate:
            return encoded({**sent.message_dict(), "duplicate": True})
        return encoded(sent.message, status=201)


class OneMessage(APIView):
    @extend_schema(tags=["messages"], responses=responses({200: bodies.MessageAnswer}, 401, 404))
    def get(self, request: Request, room: str, message: str) -> HttpResponse:
        """One message as it is now."""
        me = rest.identity_of(request)
        return encoded(bridge.run(selectors.message_get(me, room=room, message=message)))

    @extend_schema(
        tags=["messages"],
        request=bodies.EditBody,
        responses=responses({200: bodies.MessageAnswer}, 400, 401, 403, 404, 409, 422, 429),
    )
    def patch(self, request: Request, room: str, message: str) -> HttpResponse:
        """Change one's own message."""
        me = rest.identity_of(request)
        body = rest.read(bodies.EditBody, request.data)
        return encoded(bridge.run(services.message_edit(me, room=room, target=message, **body)))

    @extend_schema(tags=["messages"], responses=responses({204: None}, 401, 403, 404, 429))
    def delete(self, request: Request, room: str, message: str) -> Response:
        """Take a message back; again changes nothing."""
        me = rest.identity_of(request)
        bridge.run(services.message_delete(me, room=room, id="", target=message))
        return Response(status=204)


class Reactions(APIView):
    @extend_schema(
        tags=["messages"],
        request=None,
        responses=responses({200: bodies.MessageAnswer}, 401, 403, 404, 422, 429),
    )
    def put(self, request: Request, room: str, message: str, emoji: str) -> HttpResponse:
        """React to a message."""
        return self._react(request, services.reaction_add, room, message, emoji)

    @extend_schema(
        tags=["messages"],
        responses=responses({200: bodies.MessageAnswer}, 401, 403, 404, 422, 429),
    )
    def delete(self, request: Request, room: str, message: str, emoji: str) -> HttpResponse:
        """Take a reaction back."""
        return self._react(request, services.reaction_remove, room, message, emoji)

    def _react(
        self, request: Request, react: Any, room: str, message: str, emoji: str
    ) -> HttpResponse:
        me = rest.identity_of(request)
        bridge.run(react(me, room=room, id=str(uuid.uuid4()), target=message, emoji=emoji))
        return encoded(bridge.run(selectors.message_get(me, room=room, message=message)))


class Pins(APIView):
    @extend_schema(tags=["messages"], responses=responses({200: bodies.PinsAnswer}, 401, 404))
    def get(self, request: Request, room: str) -> HttpResponse:
        """What is pinned in a room."""
        return encoded(bridge.run(selectors.pins_page(rest.identity_of(request), room=room)))


class Pin(APIView):
    @extend_schema(
        tags=["messages"],
        request=None,
        responses=responses({200: bodies.MessageAnswer}, 401, 403, 404, 422, 429),
    )
    def put(self, request: Request, room: str, message: str) -> HttpResponse:
        """Pin a message."""
        return self._pin(request, room, message, pinned=True)

    @extend_schema(
        tags=["messages"], responses=responses({200: bodies.MessageAnswer}, 401, 403, 404, 429)
    )
    def delete(self, request: Request, room: str, message: str) -> HttpResponse:
        """Unpin a message."""
        return self._pin(request, room, message, pinned=False)

    def _pin(self, request: Request, room: str, message: str, *, pinned: bool) -> HttpResponse:
        me = rest.identity_of(request)
        bridge.run(
            services.message_pin(me, room=room, id=str(uuid.uuid4()), target=message, pinned=pinned)
        )
        return encoded(bridge.run(selectors.message_get(me, room=room, message=message)))


class Reports(APIView):
    @extend_schema(
        tags=["messages"],
        request=bodies.ReportBody,
        responses=responses({204: None}, 400, 401, 404, 422, 429),
    )
    def post(self, request: Request, room: str, message: str) -> Response:
        """Ask a moderator to look at a message."""
        me = rest.identity_of(request)
        body = rest.read(bodies.ReportBody, request.data)
        bridge.run(services.message_report(me, room=room, target=message, **body))
        return Response(status=204)


class Events(APIView):
    @extend_schema(
        tags=["messages"],
        parameters=[bodies.EventsQuery],
        responses=responses({200: bodies.EventsAnswer}, 401, 404, 422),
    )
    def get(self, request: Request, room: str) -> HttpResponse:
        """The room's log after a seq, for bots and sync."""
        me = rest.identity_of(request)
        asked = query(bodies.EventsQuery, request)
        return encoded(bridge.run(selectors.events_page(me, room=room, **asked)))


class Read(APIView):
    @extend_schema(
        tags=["rooms"],
        request=bodies.ReadBody,
        responses=responses({200: bodies.ReadAnswer}, 400, 401, 404, 422),
    )
    def put(self, request: Request, room: str) -> HttpResponse:
        """Mark everything up to a message as read; back only with `force`."""
        me = rest.identity_of(request)
        body = rest.read(bodies.ReadBody, request.data)
        state = bridge.run(services.read_mark(me, room=room, **body))
        return encoded(msgspec.structs.asdict(state))
