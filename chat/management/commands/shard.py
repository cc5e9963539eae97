"""Owns `manage.py shard`: what it says and its exit codes. Decides nothing."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from chat import sharding
from chatsite import env

WAIT_MS = 5_000


class Command(BaseCommand):
    help = (
        "Shard the room logs of a MongoDB cluster by room. MONGODB_URL has to name a mongos, and a "
        "user with the role clusterManager. Run again it finds what is done and does nothing. "
        "Exit codes: 0 sharded, 1 not."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with MongoClient[dict[str, Any]](
                env.ENV.mongodb_url, serverSelectionTimeoutMS=WAIT_MS
            ) as client:
                done = sharding.shard(client, settings.MONGODB_NAME, dry_run=options["dry_run"])
                for line in done:
                    self.stdout.write(line)
        except sharding.CannotShard as error:
            raise CommandError(str(error)) from None
        except PyMongoError as error:
            reason = str(error).partition(",")[0]
            raise CommandError(f"the database refused or did not answer: {reason}") from None
