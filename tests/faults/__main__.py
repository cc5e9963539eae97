"""Owns `python -m tests.faults`: which rows are played on which stage, and the exit code."""

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop
from rich.console import Console

from chatsite import children, embedded, env
from tests.faults import document, proxy, report, rows, stage
from tests.faults.scene import Result, Row, Scene
from tests.faults.stage import Ports, Setting, Stage

WIDTH = 160
"""Of the table where there is no terminal to ask."""
REPORT_HELP = "play nothing; write this outcome (of --json) as the table of docs/reliability.md"
SHORT_HELP = "most rows with fewer rounds: what `make test` runs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the rows that were asked for; 0 when every one holds."""
    parser = argparse.ArgumentParser("python -m tests.faults", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="ROW", help="these rows")
    parser.add_argument("--rounds", type=int, default=0, help="how often each fault happens")
    parser.add_argument("--short", action="store_true", help=SHORT_HELP)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there as well")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep data and logs there")
    parser.add_argument("--report", action="append", type=Path, metavar="FILE", help=REPORT_HELP)
    parser.add_argument("--broken", default="", help=argparse.SUPPRESS)  # to prove the checker
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    options = parser.parse_args(arguments)
    if options.report:
        names = [row.name for row in rows.ALL]
        document.write(document.table(document.read(options.report), order=names))
        return 0
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="parley-faults-", ignore_cleanup_errors=True)
            )
        )
        folder.mkdir(parents=True, exist_ok=True)
        ports = Ports()
        environ = _configure(folder, ports)
        return _run(options, folder.resolve(), ports, environ)


def _configure(folder: Path, ports: Ports) -> dict[str, str]:
    """Point this process (the ORM makes accounts) and the replicas at the servers of the run."""
    given = {
        "DATA_DIR": str(folder),
        "MONGODB_URL": embedded.mongodb_url(ports.mongo),
        "MONGODB_NAME": f"parley_faults_{secrets.token_hex(4)}",
        "REDIS_URL": f"redis://127.0.0.1:{ports.redis}/0",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "APP_ENV": "test",
        "REPLICA": "faults",
        "RATE_LIMITS": "off",
        "TRUSTED_PROXIES": "127.0.0.1",
        "ACCESS_TOKEN_S": str(24 * 3600),
    }
    for name in ("LOKI_URL", "PUBLIC_ORIGINS", "METRICS_TOKEN", "SECURE_COOKIES", "DEBUG"):
        os.environ.pop(name, None)
    os.environ.update(given, LOG_LEVEL="WARNING")
    env.ENV = env.load(os.environ)  # it was read when this module imported `stage`
    env.use_settings()
    import django

    django.setup()
    return {"PATH": os.environ.get("PATH", ""), **given}


def _run(options: argparse.Namespace, folder: Path, ports: Ports, environ: dict[str, str]) -> int:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    if options.list:
        for row in rows.ALL:
            console.print(f"{row.name:<16} {row.title}")
        return 0
    unknown = set(options.only) - {row.name for row in rows.ALL}
    if unknown:
        console.print(f"no such row: {', '.join(sorted(unknown))} (--list names them)")
        return 2
    chosen = [
        row
        for row in rows.ALL
        if row.name in options.only
        or (not options.only and (row.in_short if options.short else row.by_default))
    ]
    run = Run(folder, ports, environ, broken=options.broken)
    console.print(f"Playing {len(chosen)} rows {run.front}; everything is in {folder}")
    results: list[Result] = []
    try:
        uvloop.run(_play(run, chosen, options, console, results))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print(report.table(results))  # of what was played until then
        console.print("Interrupted; everything is ended.")
        return 130
    console.print(report.table(results))
    return 0 if all(result.passed for result in results) else 1


async def _play(
    run: "Run",
    chosen: Sequence[Row],
    options: argparse.Namespace,
    console: Console,
    results: list[Result],
) -> None:
    """Play the rows one by one; `results` grows with each."""
    me = asyncio.current_task()
    assert me is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    with report.progress(console) as bar:
        task = bar.add_task("starting", total=len(chosen))
        try:
            for row in chosen:
                bar.update(task, description=row.name)
                if not row.possible():
                    bar.console.print(f"  {row.name:<16} left out: not permitted on this machine")
                    continue
                try:
                    up = await run.stage_for(row.setting)
                except (children.ChildError, OSError) as error:
                    results.append(Result(row.name, row.title, failure=f"no stage: {error}"))
                    bar.console.print(f"  {row.name:<16} [red]BROKEN[/red]  no stage")
                    await run.end()
                    continue
                rounds = options.rounds or (row.short_rounds if options.short else row.rounds)
                result = await Scene(row, up, rounds=rounds, short=options.short).run()
                results.append(result)
                verdict = "[green]holds[/green]" if result.passed else "[red]BROKEN[/red]"
                bar.console.print(f"  {row.name:<16} {verdict}  {result.took_s:6.1f} s")
                bar.advance(task)
                if options.json:  # with each row, so that a run cut short leaves those it played
                    report.write_json(options.json, results, front=run.front)
                if result.failure:
                    await run.end()  # however it left the stage: the next row gets a new one
        finally:
            await run.end()


class Run:
    """The stage that is up, kept from row to row while nothing has to differ."""

    def __init__(self, folder: Path, ports: Ports, environ: dict[str, str], *, broken: str) -> None:
        self._folder = folder
        self._ports = ports
        self._environ = environ
        self._broken = broken
        self._up: Stage | None = None
        self._number = 0

    @property
    def front(self) -> str:
        return (
            "through nginx with deploy/nginx/parley.conf"
            if proxy.nginx()
            else "WITHOUT nginx, which is not installed: clients talk to the replicas"
        )

    async def stage_for(self, setting: Setting) -> Stage:
        """A stage of this setting: the one that is up, or a new one."""
        if self._broken:
            setting = stage.broken(setting, self._broken)
        if self._up is not None and self._up.setting == setting:
            return self._up
        await self.end()
        self._number += 1
        folder = self._folder / f"stage-{self._number}"
        self._up = Stage(folder, ports=self._ports, setting=setting, environ=self._environ)
        await self._up.start(migrate=_migrate)
        return self._up

    async def end(self) -> None:
        if self._up is not None:
            up, self._up = self._up, None
            await up.end()


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0, interactive=False)
    connections.close_all()


if __name__ == "__main__":
    sys.exit(main())
