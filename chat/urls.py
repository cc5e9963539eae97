"""Owns the addresses of the chat's pages. The API's are in `chat.api_urls`."""

from django.urls import path

from chat import views

app_name = "chat"
urlpatterns = [
    path("", views.home, name="home"),
    path("rooms/browse/", views.browse, name="browse"),
    path("rooms/create/", views.create, name="create"),
    path("rooms/join/", views.join, name="join"),
    path("rooms/<str:room>/", views.room, name="room"),
    path("rooms/<str:room>/send/", views.send, name="send"),
    path("rooms/<str:room>/leave/", views.leave, name="leave"),
    path("rooms/<str:room>/messages/<str:message>/", views.message, name="message"),
    path("rooms/<str:room>/messages/<str:message>/<str:deed>/", views.deed, name="deed"),
    path("dms/create/", views.direct, name="direct"),
]
