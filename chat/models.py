"""Owns the shape of what is stored: rooms, memberships, the room log. Knows no rule of access.

The ORM serves pages, admin and API; the hot path reads and writes the same collections through
`chat.store`. No field is nullable (the backend adds costly tests for those): "" and `times.NEVER`
stand for nothing. Source of the shapes: docs/architecture.md, "Data".
"""

import uuid
from typing import Final

from bson import ObjectId
from django.conf import settings
from django.db import models
from django_mongodb_backend.fields import ArrayField, ObjectIdAutoField, ObjectIdField

from chatsite import indexes, times

HOUSE_ROOM: Final = "0" * 24
"""The room id of the house log: who was added where, whose session ended. Nobody is a member;
every process follows it. It obeys the same rules as any room's log."""


class Room(models.Model):
    """A place where people talk. `head_*` are hints for lists, never trusted for ordering."""

    class Kind(models.TextChoices):
        CHANNEL = "channel", "Channel (anyone may join)"
        GROUP = "group", "Group (by invitation)"
        DIRECT = "direct", "Direct message"

    class Posting(models.TextChoices):
        EVERYONE = "everyone", "Everyone"
        MODERATORS = "moderators", "Owners and moderators"

    id = ObjectIdAutoField(primary_key=True, db_column="_id")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=80, blank=True)
    name_key = models.CharField(max_length=80, blank=True)
    topic = models.CharField(max_length=500, blank=True)
    direct_key = models.CharField(max_length=300, blank=True)
    posting = models.CharField(max_length=12, choices=Posting, default=Posting.EVERYONE)
    slow_mode_s = models.PositiveIntegerField(default=0)
    edit_window_s = models.PositiveIntegerField(default=0)
    rules = models.JSONField(default=list, blank=True)
    archived_at = models.DateTimeField(default=times.NEVER)
    created_at = models.DateTimeField(default=times.utc_now)
    members_count = models.PositiveIntegerField(default=0)
    head_seq = models.PositiveBigIntegerField(default=0)
    head_n = models.PositiveBigIntegerField(default=0)
    low_seq = models.PositiveBigIntegerField(default=0)
    low_n = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [
            indexes.UniqueIndex(
                fields=["name_key"], condition=models.Q(name_key__gt=""), name="channel_name"
            ),
            indexes.UniqueIndex(
                fields=["direct_key"], condition=models.Q(direct_key__gt=""), name="direct_people"
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.kind} {self.pk}"


class Membership(models.Model):
    """One person in one room."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        MODERATOR = "moderator", "Moderator"
        MEMBER = "member", "Member"
        GUEST = "guest", "Guest"

    class Notify(models.TextChoices):
        ALL = "all", "Everything"
        MENTIONS = "mentions", "Mentions only"
        NONE = "none", "Nothing"

    id = ObjectIdAutoField(primary_key=True, db_column="_id")
    room = models.ForeignKey(
        Room, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="memberships",
        db_index=False,
    )
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    joined_at = models.DateTimeField(default=times.utc_now)
    read_n = models.PositiveBigIntegerField(default=0)
    mention_ns = ArrayField(models.PositiveBigIntegerField(), default=list, blank=True)
    notify = models.CharField(max_length=10, choices=Notify, default=Notify.ALL)
    muted_until = models.DateTimeField(default=times.NEVER)
    last_message_at = models.DateTimeField(default=times.EPOCH)
    pinned = models.BooleanField(default=False)

    class Meta:
        indexes = [
            indexes.UniqueIndex(fields=["room", "user"], name="one_membership"),
            models.Index(fields=["user"], name="memberships_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"


class Event(models.Model):
    """One document of a room's log; for messages also their current state.

    `seq` is gapless from 1 in a room and the only order there is; `n` counts messages alone (0 on
    the others) and `room_n` says how many messages the room had with this event, so that the
    newest document alone tells the whole head. `original` keeps a message as it was first sent once
    it has been edited, so that the log can be replayed.
    """

    class Kind(models.TextChoices):
        MESSAGE = "message"
        EDIT = "edit"
        DELETE = "delete"
        REACTION = "reaction"
        PIN = "pin"
        RESTORE = "restore"
        MEMBER = "member"
        ROOM = "room"
        HOUSE = "house"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_column="_id")
    room_id = ObjectIdField()
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    n = models.PositiveBigIntegerField(default=0)
    room_n = models.PositiveBigIntegerField(default=0)
    actor_id = ObjectIdField()
    at = models.DateTimeField(default=times.utc_now)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    reply_to = models.CharField(max_length=32, blank=True)
    mentions = ArrayField(models.CharField(max_length=24), default=list, blank=True)
    attachments = models.JSONField(default=list, blank=True)
    target = models.CharField(max_length=32, blank=True)
    edited_at = models.DateTimeField(default=times.NEVER)
    deleted_at = models.DateTimeField(default=times.NEVER)
    reactions = models.JSONField(default=list, blank=True)
    pinned = models.BooleanField(default=False)
    original = models.JSONField(default=dict, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = "message"  # what the admin shows of them
        indexes = [
            indexes.UniqueIndex(fields=["room_id", "seq"], name="event_order"),
            indexes.UniqueIndex(
                fields=["room_id", "n"], condition=models.Q(n__gt=0), name="message_order"
            ),
            models.Index(
                fields=["room_id", "target"],
                condition=models.Q(target__gt=""),
                name="events_of_message",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.seq} of {self.room_id}"


class Ban(models.Model):
    """What holds against a person who is not in a room: they may not come back before
    `expires_at`, and are muted until `muted_until` when they do."""

    id = ObjectIdAutoField(primary_key=True, db_column="_id")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="bans", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bans"
    )
    by_id = ObjectIdField()
    at = models.DateTimeField(default=times.utc_now)
    expires_at = models.DateTimeField(default=times.NEVER)
    muted_until = models.DateTimeField(default=times.EPOCH)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [indexes.UniqueIndex(fields=["room", "user"], name="one_ban")]

    def __str__(self) -> str:
        return f"ban {self.pk}"


class Report(models.Model):
    """Somebody asks a moderator to look at a message."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DISMISSED = "dismissed", "Dismissed"
        ACTED = "acted", "Acted on"

    id = ObjectIdAutoField(primary_key=True, db_column="_id")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="reports")
    message = models.UUIDField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reports_on"
    )
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reports_by"
    )
    room_id: ObjectId
    author_id: ObjectId
    reporter_id: ObjectId
    reason = models.CharField(max_length=100)
    comment = models.TextField(max_length=2_000, blank=True)
    text = models.TextField(blank=True)
    at = models.DateTimeField(default=times.utc_now)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)

    class Meta:
        indexes = [
            indexes.UniqueIndex(fields=["message", "reporter"], name="one_report_a_person"),
            models.Index(fields=["status", "-at"], name="reports_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} on {self.message}"


class HeldMessage(models.Model):
    """A message that a word rule keeps from its room until a moderator has looked at it. `id` is
    the client's: a retry finds it here. Goes by itself at `expires_at`."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RELEASED = "released", "Released"
        REJECTED = "rejected", "Rejected"

    id = models.UUIDField(primary_key=True, db_column="_id")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="held", db_index=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="held", db_index=False
    )
    room_id: ObjectId
    author_id: ObjectId
    text = models.TextField(blank=True)
    reply_to = models.CharField(max_length=36, blank=True)
    pattern = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=times.utc_now)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["room", "status"], name="held_of_room"),
            models.Index(fields=["author", "status"], name="held_of_author"),
            models.Index(fields=["status", "-at"], name="held_queue"),
            indexes.ExpiryIndex(fields=["expires_at"], name="held_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.status} message {self.pk}"


class ServerRules(models.Model):
    """The word rules of the whole server: one document."""

    id = models.CharField(primary_key=True, max_length=10, db_column="_id")
    rules = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = "word rules"
        verbose_name_plural = "word rules"

    def __str__(self) -> str:
        return "word rules of the server"


class ModerationAction(models.Model):
    """The audit: who did what to whom or what, from what to what, and why. Only ever added to."""

    id = ObjectIdAutoField(primary_key=True, db_column="_id")
    at = models.DateTimeField(default=times.utc_now)
    actor_id = ObjectIdField()
    action = models.CharField(max_length=40)
    room_id = models.CharField(max_length=24, blank=True)
    subject = models.CharField(max_length=64, blank=True)
    old = models.JSONField(default=dict, blank=True)
    new = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit"
        indexes = [
            models.Index(fields=["-at"], name="audit_newest"),
            models.Index(fields=["subject", "-at"], name="audit_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.action} {self.subject}"
