"""Owns what `EMAIL_URL` says of the server that mail goes to. Pure: knows nothing of Django."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class MailServer:
    """`tls`: encrypted from the first byte (`smtps`). `starttls`: encrypted before the password."""

    host: str
    port: int
    user: str
    password: str
    tls: bool
    starttls: bool


def parse(url: str) -> MailServer | None:
    """The server that `EMAIL_URL` names; None where mail goes to the log ("" or `console://`).

    A password is never sent in clear: with a user `smtp` means STARTTLS. A port that is left out
    is 465 (RFC 8314), 587 with a user (RFC 6409) or 25.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps"):
        return None
    tls = parts.scheme == "smtps"
    starttls = not tls and bool(parts.username)
    return MailServer(
        host=parts.hostname or "localhost",
        port=parts.port or (465 if tls else 587 if starttls else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        starttls=starttls,
    )
