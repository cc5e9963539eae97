"""Owns every way in which Parley says no. Knows nothing else of the project.

One tree. Each class carries its code on the wire, its HTTP status and whether the same request can
succeed later; edges (sockets, REST, pages) translate it once. Source: docs/protocol.md, "Errors".
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class ChatError(Exception):
    """A refusal that the asker is told of.

    Args:
        message: for people, one sentence. Programs match on `code`.
        retry_after: seconds after which asking again can help.
        fields: for validation, what is wrong with each field.
    """

    code: ClassVar[str]
    http_status: ClassVar[int]
    retryable: ClassVar[bool] = False
    default_message: ClassVar[str]
    reason: ClassVar[str] = ""
    """Tells apart, for programs, what shares a code; "" for what its code alone says."""

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: float | None = None,
        fields: Mapping[str, list[str]] | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.retry_after = retry_after
        self.fields = fields
        super().__init__(self.message)

    def as_wire(self, request_id: str) -> dict[str, Any]:
        """The `error` object of the wire."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.retry_after is not None:
            body["retry_after"] = round(self.retry_after, 3)
        if self.fields is not None:
            body["fields"] = dict(self.fields)
        if self.reason:
            body["reason"] = self.reason
        body["request_id"] = request_id
        return body


class BadFrame(ChatError):
    code = "bad_frame"
    http_status = 400
    default_message = "This is not a frame or body that can be read."


class Unauthenticated(ChatError):
    code = "unauthenticated"
    http_status = 401
    default_message = "Please sign in."


class TokenExpired(ChatError):
    code = "token_expired"
    http_status = 401
    default_message = "The access token has expired."


class Forbidden(ChatError):
    code = "forbidden"
    http_status = 403
    default_message = "You may not do this."


class NotFound(ChatError):
    code = "not_found"
    http_status = 404
    default_message = "There is no such thing here."


class ValidationFailed(ChatError):
    code = "validation_failed"
    http_status = 422
    default_message = "Some of this cannot be accepted."


class Conflict(ChatError):
    code = "conflict"
    http_status = 409
    default_message = "This is taken already."


class RateLimited(ChatError):
    code = "rate_limited"
    http_status = 429
    retryable = True
    default_message = "Too much at once. Try again in a moment."


class SlowMode(ChatError):
    code = "slow_mode"
    http_status = 429
    retryable = True
    default_message = "This room is in slow mode."


class Muted(ChatError):
    code = "muted"
    http_status = 403
    default_message = "You are muted in this room."


class Banned(ChatError):
    code = "banned"
    http_status = 403
    default_message = "You are banned from this room."


class RoomArchived(ChatError):
    code = "room_archived"
    http_status = 403
    default_message = "This room is archived."


class TooLarge(ChatError):
    code = "too_large"
    http_status = 413
    default_message = "This is too large."


class Unavailable(ChatError):
    code = "unavailable"
    http_status = 503
    retryable = True
    default_message = "The server cannot do this right now. Try again in a moment."


# --- what shares a code with others: `reason` says which it is ---


class Held(Forbidden):
    """Kept from the room by a word rule; nothing is stored in its log."""

    reason = "held"
    default_message = "A moderator will look at this message before it appears."


class HeldRejected(Forbidden):
    reason = "held_rejected"
    default_message = "A moderator decided against this message."


class WordsRefused(ValidationFailed):
    reason = "word_rule"
    default_message = "This room does not accept these words."


class Fault(Unavailable):
    """Something of ours failed; the log has its trace. The wire has no code of its own for it."""

    http_status = 500
    default_message = "Something went wrong on our side. It has been noted."


class Suspended(Unauthenticated):
    reason = "suspended"
    default_message = "This account is not in use."


class PasswordChangeNeeded(Forbidden):
    reason = "password_change"
    default_message = (
        "A new password must be chosen first: sign in on the pages, or ask for a reset by e-mail."
    )


class RegistrationClosed(Forbidden):
    reason = "registration_closed"
    default_message = "Accounts are made by the administrators here."


class NewAccount(Forbidden):
    reason = "new_account"
    default_message = "Your account is too new for this."
