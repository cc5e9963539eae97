"""Owns the addresses of the chat's REST API, below `/api/v1/`."""

from django.urls import path

from chat.api import moderation, views

MESSAGE = "rooms/<str:room>/messages/<str:message>"

urlpatterns = [
    path("server", views.Server.as_view()),
    path("rooms", views.Rooms.as_view()),
    path("rooms/public", views.PublicRooms.as_view()),
    path("dms", views.Directs.as_view()),
    path("rooms/<str:room>", views.OneRoom.as_view()),
    path("rooms/<str:room>/bans", moderation.Bans.as_view()),
    path("rooms/<str:room>/bans/<str:user>", moderation.OneBan.as_view()),
    path("rooms/<str:room>/rules", moderation.Rules.as_view()),
    path("rooms/<str:room>/held", moderation.Held.as_view()),
    path("rooms/<str:room>/held/<str:message>", moderation.OneHeld.as_view()),
    path("rooms/<str:room>/join", views.Join.as_view()),
    path("rooms/<str:room>/leave", views.Leave.as_view()),
    path("rooms/<str:room>/me", views.OwnMembership.as_view()),
    path("rooms/<str:room>/members", views.Members.as_view()),
    path("rooms/<str:room>/members/<str:user>", views.OneMember.as_view()),
    path("rooms/<str:room>/messages", views.Messages.as_view()),
    path(MESSAGE, views.OneMessage.as_view()),
    path(f"{MESSAGE}/reactions/<str:emoji>", views.Reactions.as_view()),
    path(f"{MESSAGE}/pin", views.Pin.as_view()),
    path(f"{MESSAGE}/report", views.Reports.as_view()),
    path("rooms/<str:room>/pins", views.Pins.as_view()),
    path("rooms/<str:room>/events", views.Events.as_view()),
    path("rooms/<str:room>/read", views.Read.as_view()),
]
