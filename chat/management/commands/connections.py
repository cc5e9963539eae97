"""Owns `manage.py connections list|drop|reload`: who is meant, the table, the last line."""

import json
import shutil
from io import StringIO
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from accounts import services
from accounts.models import User
from chat import connections
from chat.management.operator import OperatorCommand
from chat.models import ModerationAction
from chat.replayed import NOBODY
from chat.services.audit import Action
from chatsite import times

LIMIT: Final = 200


class Command(OperatorCommand):
    help = (
        "Who is connected, on all replicas; close connections so that their clients come back "
        "(drop), all of them spread over a while (reload: after a change of settings or pages), or "
        "sign somebody out (drop --sign-out). Works without Redis. "
        "Exit codes: 0 done, 1 nobody of that name, no replica answered, or the database did not, "
        "130 interrupted."
    )
    interrupted = "Interrupted. What was asked for may still happen; running it again is harmless."

    def add_arguments(self, parser: CommandParser) -> None:
        does = parser.add_subparsers(dest="does", required=True)
        listing = does.add_parser("list", help="who is connected")
        listing.add_argument("--json", action="store_true", help="a line for each, nothing else")
        listing.add_argument("--limit", type=int, default=LIMIT, help=f"rows at most ({LIMIT})")
        drop = does.add_parser("drop", help="close connections; their clients come back")
        drop.add_argument("--all", action="store_true", help="everybody's")
        drop.add_argument(
            "--sign-out", action="store_true", help="end the logins too: they do not come back"
        )
        reload = does.add_parser("reload", help="have everybody come back, spread over a while")
        reload.add_argument("--over", type=float, default=30.0, help="seconds (30)")
        for each in (listing, drop, reload):
            each.add_argument("--replica", help="only those of this one")
        for each in (listing, drop):
            each.add_argument("--user", help="only those of this person (username)")
            each.add_argument("--session", help="only those of this login (its id)")
        for each in (drop, reload):
            each.add_argument("--dry-run", action="store_true", help="say how many it would be")

    def work(self, options: dict[str, Any]) -> int:
        who = _who(options)
        match options["does"]:
            case "list":
                self._list(connections.ask(who, expected=_expected(options)), options)
            case "drop":
                if not who and not options["all"]:
                    raise CommandError("say whose: --user, --session, --replica or --all")
                if options["sign_out"] and not options["user"]:
                    raise CommandError("--sign-out takes --user, with --session or without")
                self._send_away(who, options, over_s=0.0)
            case _:
                self._send_away(who, options, over_s=max(options["over"], 0.0))
        return 0

    def _list(self, found: connections.Found, options: dict[str, Any]) -> None:
        shown = found.rows[: max(options["limit"], 0)]
        if options["json"]:
            for row in shown:
                told = row._asdict() | {"since": times.to_wire(row.since)}
                self.stdout.write(json.dumps(told))
            return
        table = Table("person", "replica", "since", "login", "address", "with")
        for row in shown:
            since = f"{row.since:%F %T}"
            table.add_row(row.username, row.replica, since, row.session, row.address, row.agent)
        drawn = StringIO()
        Console(file=drawn, width=shutil.get_terminal_size((160, 24)).columns).print(table)
        self.stdout.write(drawn.getvalue())
        self.stdout.write(_told(found, "connected"))
        if len(shown) < found.total:
            self.stdout.write(f"{found.total - len(shown)} more are not shown.")

    def _send_away(
        self, who: dict[str, list[str]], options: dict[str, Any], *, over_s: float
    ) -> None:
        if options["dry_run"]:
            found = connections.ask(who, expected=_expected(options))
            self.stdout.write(_told(found, "would be closed"))
            return
        signs_out = options.get("sign_out")
        action = Action.CONNECTIONS_SIGN_OUT if signs_out else Action.CONNECTIONS_CLOSE
        ModerationAction.objects.create(
            actor_id=NOBODY, action=action, subject=_subject(who), at=times.utc_now(), new=who
        )
        if signs_out:
            [user] = who["users"]
            sessions = who.get("sessions")
            ended = (
                services.sessions_end(user_id=user, session_ids=sessions, reason="logout")
                if sessions
                else services.sessions_end_all(user_id=user, reason="logout")
            )
            self.stdout.write(f"{len(ended)} logins ended, with all their connections.")
            return
        found = connections.ask(who, away_over_s=over_s, expected=_expected(options))
        self.stdout.write(_told(found, f"closed over {over_s:g} s" if over_s else "closed"))


def _who(options: dict[str, Any]) -> dict[str, list[str]]:
    who: dict[str, list[str]] = {}
    if options.get("user"):
        user = User.objects.filter(username_key=options["user"].lower()).first()
        if user is None:
            raise CommandError(f"there is nobody called {options['user']}")
        who["users"] = [str(user.pk)]
    for name in ("session", "replica"):
        if options.get(name):
            who[f"{name}s"] = [options[name]]
    return who


def _subject(who: dict[str, list[str]]) -> str:
    return next((name for names in who.values() for name in names), "everybody")


def _expected(options: dict[str, Any]) -> int:
    """Beside an `up` it is known how many will answer."""
    return len(settings.RUNNING_REPLICAS)


def _told(found: connections.Found, what: str) -> str:
    if not found.counts:
        raise CommandError("no replica answered")
    each = ", ".join(f"{replica} {count}" for replica, count in sorted(found.counts.items()))
    return f"{found.total:,} {what} ({each})."
