"""The whole of Parley from its one command: stopped and started, it reads on where it was."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from playwright.async_api import expect

from chatsite import embedded, env
from tests import services
from tests.browser import UNREACHABLE, Windows

READY_S = 120.0
PASSWORD = "correct horse battery staple"


def two_free_ports() -> int:
    """The first of two neighbouring ports that nobody listens on."""
    while True:
        port = embedded.free_port()
        with socket.socket() as neighbour, suppress(OSError, OverflowError):
            neighbour.bind((embedded.HOST, port + 1))
            return port


@asynccontextmanager
async def parley(folder: Path, port: int) -> AsyncIterator[str]:
    """`manage.py up` with two replicas on its own embedded servers; its address."""
    environ = {
        name: value for name, value in os.environ.items() if name not in services.environment()
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "manage.py", "up", "--data-dir", str(folder), "--port", str(port),
        "--replicas", "2", cwd=env.BASE_DIR, env=environ | {"RATE_LIMITS": "off"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout
    try:
        async with asyncio.timeout(READY_S):
            while b"ready after" not in (line := await process.stdout.readline()):
                assert line, "ended before it was ready"
        reading = asyncio.create_task(process.stdout.read())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
    await reading
    assert process.returncode == 0


@pytest.mark.timeout(3 * READY_S)
async def test_what_two_people_said_is_still_there_after_a_full_restart(
    windows: Windows, tmp_path: Path
) -> None:
    port = two_free_ports()
    async with parley(tmp_path / "var", port) as url:
        hers = await windows.open(url, forgiven=UNREACHABLE)
        his = await windows.open(url.replace(str(port), str(port + 1)), forgiven=UNREACHABLE)
        await hers.register("alice", PASSWORD)
        await his.register("bob", PASSWORD)
        await hers.get(".welcome [data-open=create]").click()
        await hers.page.fill("#create-name", "harbour")
        await hers.page.keyboard.press("Enter")
        await hers.is_in("harbour")
        await his.get(".welcome [data-open=browse]").click()
        await his.get("[data-dialog=browse]").get_by_role("button", name="Join harbour").click()
        await his.is_in("harbour")
        await hers.say("until tomorrow")
        await his.sees("until tomorrow")
        await his.say("good night")
        await hers.sees("good night")

    await expect(hers.banner).to_contain_text("Reconnecting")
    await hers.say("is anybody there?")
    async with parley(tmp_path / "var", port):
        await hers.live()
        await his.page.reload()
        await his.live()
        for window in (hers, his):
            for text in ("until tomorrow", "good night", "is anybody there?"):
                await window.sees(text)
        await his.say("good morning")
        await hers.sees("good morning")
        await expect(hers.page).to_have_title(re.compile("harbour"))
