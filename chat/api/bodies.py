"""Owns the bodies and queries of the chat's REST API, and what its answers look like in OpenAPI.

Types and sizes only; whether something may be done is for the services.
"""

from typing import Any

from rest_framework import serializers

from chat import limits, rules
from chatsite.rest import Body, Flag, Integer, Text

ID_MAX = 64


class PersonAnswer(serializers.Serializer[Any]):
    id = serializers.CharField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    avatar = serializers.CharField(allow_blank=True)


class QuoteAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    n = serializers.IntegerField()
    sender = PersonAnswer()
    excerpt = serializers.CharField()


class ReactionAnswer(serializers.Serializer[Any]):
    emoji = serializers.CharField()
    count = serializers.IntegerField()
    users = serializers.ListField(child=serializers.CharField())


class MessageAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    room = serializers.CharField()
    seq = serializers.IntegerField(help_text="Place in the room's log.")
    n = serializers.IntegerField(help_text="Number among the room's messages, from 1.")
    at = serializers.DateTimeField()
    sender = PersonAnswer()
    text = serializers.CharField(help_text="As typed; empty once deleted.")
    html = serializers.CharField(help_text="Rendered and safe.")
    reply_to = QuoteAnswer(allow_null=True)
    mentions = serializers.ListField(child=serializers.CharField())
    attachments = serializers.ListField(child=serializers.JSONField())
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    reactions = ReactionAnswer(many=True)
    pinned = serializers.BooleanField()


class SentAnswer(MessageAnswer):
    duplicate = serializers.BooleanField(
        required=False, help_text="True when the id was stored before."
    )


class MemberAnswer(serializers.Serializer[Any]):
    user = PersonAnswer()
    role = serializers.CharField()
    joined_at = serializers.DateTimeField()
    muted_until = serializers.DateTimeField(allow_null=True)


class RoomAnswer(serializers.Serializer[Any]):
    id = serializers.CharField()
    kind = serializers.ChoiceField(["channel", "group", "direct"])
    name = serializers.CharField()
    topic = serializers.CharField()
    head_seq = serializers.IntegerField()
    head_n = serializers.IntegerField()
    read_n = serializers.IntegerField()
    unread = serializers.IntegerField()
    mentions = serializers.IntegerField(help_text="Unread messages that mention one.")
    last_message = MessageAnswer(allow_null=True)
    role = serializers.CharField(help_text="One's own; empty for a channel one is not in.")
    members_count = serializers.IntegerField()
    notify = serializers.CharField()
    muted_until = serializers.DateTimeField(allow_null=True)
    pinned = serializers.BooleanField()
    posting = serializers.CharField()
    slow_mode_s = serializers.IntegerField()
    edit_window_s = serializers.IntegerField()
    archived_at = serializers.DateTimeField(allow_null=True)
    people = PersonAnswer(many=True, help_text="The others of a direct room.")


class RoomsAnswer(serializers.Serializer[Any]):
    results = RoomAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ListedRoomAnswer(serializers.Serializer[Any]):
    id = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    topic = serializers.CharField()
    members_count = serializers.IntegerField()
    joined = serializers.BooleanField()


class PublicRoomsAnswer(serializers.Serializer[Any]):
    results = ListedRoomAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class MembersAnswer(serializers.Serializer[Any]):
    results = MemberAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class MessagesAnswer(serializers.Serializer[Any]):
    results = MessageAnswer(many=True, help_text="Ascending by n.")
    head_n = serializers.IntegerField()
    head_seq = serializers.IntegerField()
    has_before = serializers.BooleanField()
    has_after = serializers.BooleanField()


class PinsAnswer(serializers.Serializer[Any]):
    results = MessageAnswer(many=True, help_text="The newest first.")
    low_n = serializers.IntegerField(help_text="Messages up to here are in no page any more.")


class EventsAnswer(serializers.Serializer[Any]):
    events = serializers.ListField(
        child=serializers.DictField(), help_text="Exactly the pushed frames, by seq."
    )
    head_seq = serializers.IntegerField()
    reset = serializers.BooleanField(
        help_text="The cursor is below what is kept, or above the head: start afresh."
    )


class ReadAnswer(serializers.Serializer[Any]):
    read_n = serializers.IntegerField()
    unread = serializers.IntegerField()


class ServerAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.CharField()
    limits = serializers.DictField()


class RoomBody(Body):
    kind = serializers.ChoiceField(["channel", "group"])
    name = Text(max_length=200)
    topic = Text(required=False, default="", allow_blank=True, max_length=2_000)
    member_ids = serializers.ListField(
        child=Text(max_length=ID_MAX), required=False, default=list,
        max_length=limits.MEMBERS_PER_REQUEST,
    )  # fmt: skip


class UserIdsBody(Body):
    user_ids = serializers.ListField(
        child=Text(max_length=ID_MAX), min_length=1, max_length=limits.MEMBERS_PER_REQUEST
    )


class RuleBody(Body):
    pattern = Text(
        trim_whitespace=False, max_length=rules.PATTERN_MAX_CHARS,
        help_text="An expression of RE2, found without case.",
    )  # fmt: skip
    does = serializers.ChoiceField(list(rules.DEEDS))


class RulesAnswer(serializers.Serializer[Any]):
    rules = RuleBody(many=True)


class HeldAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    sender = PersonAnswer()
    text = serializers.CharField(help_text="As it would be said.")
    pattern = serializers.CharField(help_text="Of the rule that holds it.")


class HeldListAnswer(serializers.Serializer[Any]):
    results = HeldAnswer(many=True, help_text="Oldest first.")


class DecisionBody(Body):
    release = Flag(help_text="true: into the room; false: never.")
    reason = Text(required=False, default="", allow_blank=True, max_length=500)


class RoomChangeBody(Body):
    name = Text(required=False, max_length=200)
    topic = Text(required=False, allow_blank=True, max_length=2_000)
    slow_mode_s = Integer(required=False)
    posting = serializers.ChoiceField(["everyone", "moderators"], required=False)
    archived = Flag(required=False)
    edit_window_s = Integer(
        required=False, help_text="Seconds for which a message may be edited; 0: any time."
    )
    rules = serializers.ListField(
        child=RuleBody(), required=False, max_length=rules.RULES_MAX,
        help_text="Word rules, instead of those before; owners only.",
    )  # fmt: skip


class MemberChangeBody(Body):
    role = serializers.ChoiceField(["owner", "moderator", "member", "guest"], required=False)
    mute_until = serializers.DateTimeField(
        required=False, allow_null=True, help_text="null: not muted any more."
    )


class OwnMembershipBody(Body):
    notify = serializers.ChoiceField(["all", "mentions", "none"], required=False)
    pinned = Flag(required=False)


class MessageBody(Body):
    id = Text(max_length=ID_MAX, help_text="A UUID of the sender's making, v7 preferred.")
    text = Text(trim_whitespace=False, allow_blank=True)
    reply_to = Text(required=False, allow_null=True, default=None, max_length=ID_MAX)


class EditBody(Body):
    id = Text(max_length=ID_MAX, help_text="A UUID of this edit.")
    text = Text(trim_whitespace=False, allow_blank=True)


class ReportBody(Body):
    reason = Text(max_length=limits.REPORT_REASON_MAX_CHARS)
    comment = Text(
        required=False, default="", allow_blank=True,
        max_length=limits.REPORT_COMMENT_MAX_CHARS,
    )  # fmt: skip


class ReadBody(Body):
    n = Integer(min_value=0)
    force = Flag(required=False, default=False)


class CursorQuery(serializers.Serializer[Any]):
    cursor = serializers.CharField(required=False, default="", allow_blank=True, max_length=2_000)


class SearchQuery(CursorQuery):
    q = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)


class MessagesQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(
        required=False, default=limits.PAGE_DEFAULT, min_value=1, max_value=limits.PAGE_MAX
    )
    before_n = serializers.IntegerField(required=False, min_value=0)
    after_n = serializers.IntegerField(required=False, min_value=0)
    around_n = serializers.IntegerField(required=False, min_value=0)


class EventsQuery(serializers.Serializer[Any]):
    after = serializers.IntegerField(required=False, default=0, min_value=0)
    limit = serializers.IntegerField(
        required=False, default=limits.EVENTS_MAX, min_value=1, max_value=limits.EVENTS_MAX
    )


class RemoveQuery(serializers.Serializer[Any]):
    ban = serializers.BooleanField(required=False, default=False)
    until = serializers.DateTimeField(
        required=False, help_text="When the ban ends; left out: it does not."
    )
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "until" in attrs and not attrs["ban"]:
            raise serializers.ValidationError({"until": ["Only a ban ends."]})
        return attrs


class LiftQuery(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=500)


class BanAnswer(serializers.Serializer[Any]):
    user = PersonAnswer()
    by = PersonAnswer()
    at = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class BansAnswer(serializers.Serializer[Any]):
    results = BanAnswer(many=True, help_text="The newest first.")
