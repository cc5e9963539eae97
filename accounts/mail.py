"""Owns the mail that accounts send. Knows no request: the link's origin is an argument.

One thread sends, one letter after the other, so that the answer to a request takes the same time
whether or not somebody has the address. At most `WAITING_MAX` wait; a further one is dropped and
counted in the log. What waits when the process ends is lost: people ask again.
"""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Final

from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import selectors

log = logging.getLogger(__name__)

WAITING_MAX: Final = 100


def reset_send(*, email: str, origin: str) -> None:
    """Send the link that sets a new password, if somebody not suspended has this address."""
    _post.put(lambda: _reset_write(email=email, origin=origin))


def _reset_write(*, email: str, origin: str) -> None:
    user = selectors.user_by_email(email)
    if user is None or not user.is_active:
        return
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse(
        "accounts:password-reset-confirm",
        kwargs={"uid": uid, "token": default_token_generator.make_token(user)},
    )
    context = {"user": user, "link": origin + path, "origin": origin}
    send_mail(
        subject="Set a new password for Parley",
        message=render_to_string("accounts/mail/password_reset.txt", context),
        from_email=None,
        recipient_list=[user.email],
    )


class _Post:
    """The letters that wait, and the thread that sends them; it starts with the first."""

    def __init__(self) -> None:
        self._letters: queue.Queue[Callable[[], None]] = queue.Queue(WAITING_MAX)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, letter: Callable[[], None]) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._send, name="mail", daemon=True)
                self._thread.start()
        try:
            self._letters.put_nowait(letter)
        except queue.Full:
            log.error("a letter was dropped: %d wait already", WAITING_MAX)

    def _send(self) -> None:
        while True:
            letter = self._letters.get()
            try:
                letter()
            except Exception:  # whatever a mail server does, the next letter must go out
                log.exception("a letter could not be sent")


_post = _Post()
