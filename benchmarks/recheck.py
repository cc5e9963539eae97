"""Owns what it costs to look again at the logins of who is connected (`chat.recheck`).

`python -m benchmarks.recheck`. Processor time, of the replica's part and of the database's, of
looks at `accounts.identity.AT_ONCE` logins each; the shares of a core are those of the most looks
that are made, one every `LOOK_EVERY_S`.
"""

import asyncio
import os
import random
import time
from collections.abc import Mapping

from benchmarks import figures, stack
from chatsite import env

PEOPLE = 5_000
LOOKS = 500


def main() -> None:
    print(f"machine: {figures.machine()}")
    with stack.house() as house:
        house.cast(people=PEOPLE, rooms=[])
        _use(house.environ)
        mine_s, database_s = asyncio.run(_looks(house.servers.mongo.pid))
    from chat.recheck import LOOK_EVERY_S

    for name, used_s in (("replica", mine_s), ("database", database_s)):
        share = used_s / LOOK_EVERY_S
        print(f"{name:<10} {used_s * 1000:.2f} ms a look, {share:.2%} of a core at most")


def _use(environ: Mapping[str, str]) -> None:
    """Have the settings of this process be those of a replica."""
    os.environ.update(environ)
    env.ENV = env.load(os.environ)  # it was read when this module was imported
    env.use_settings()
    import django

    django.setup()


async def _looks(database: int) -> tuple[float, float]:
    """What one look takes of this process, and of the database's."""
    from accounts import identity
    from accounts.identity import Identity
    from chatsite import mongo

    logins = await mongo.database().accounts_session.find({}, {"user_id": 1}).to_list()
    everybody = [
        Identity(
            user_id=str(login["user_id"]), session_id=str(login["_id"]), username="",
            display_name="", avatar="", expires_at=None, is_staff=False,
        )
        for login in logins
    ]  # fmt: skip
    before = time.process_time(), stack.processor_s(database)
    for _ in range(LOOKS):
        assert not await identity.identities_ended(random.sample(everybody, identity.AT_ONCE))
    after = time.process_time(), stack.processor_s(database)
    await mongo.close()
    return (after[0] - before[0]) / LOOKS, (after[1] - before[1]) / LOOKS


if __name__ == "__main__":
    main()
