"""Owns the row "page weight": the first chat page in a browser that has never been here.

Headless Chromium; bytes are those that its network layer counted (compressed, with headers).
`python -m benchmarks.page`.
"""

import shutil
import time
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, sync_playwright

from benchmarks import loads, row, stack

TITLE = "page weight"
MESSAGES = 100
LAUNCH = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    # Pages of the browser's own, made with each window, which would load beside ours.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
)
TIMEOUT_MS = 20_000
MOST_KIB = 150.0
MOST_MS = 1_000.0
FIRST_MESSAGE = "[data-row]"


def measure(pace: row.Pace, say: row.Say) -> row.Row:
    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("Chromium is not installed (Debian: apt install chromium)")
    runs: dict[str, list[dict[str, Any]]] = {"cold": []}
    with stack.house() as house:
        room = loads.room_of(2) | {"history": MESSAGES}
        made = house.cast(people=2, rooms=[room], pages=True)
        with house.replicas() as parley, stack.pinned(stack.LOAD_CPUS), sync_playwright() as player:
            browser = player.chromium.launch(executable_path=path, args=list(LAUNCH))
            cookies = _signed_in(browser, parley.urls[0], made["names"][0])
            url = f"{parley.urls[0]}/rooms/{made['rooms'][0]}/"
            for number in range(1, pace.runs + 1):
                say(f"run {number}")
                runs["cold"].append(_opened(browser, url, cookies))
            browser.close()
    how = f"a room of {MESSAGES} messages, nothing cached, headless Chromium on the load's core"
    return row.Row(TITLE, how, _lines(runs), runs)


def _signed_in(browser: Browser, url: str, name: str) -> Any:
    """The cookies of somebody who has just signed in."""
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", loads.PASSWORD)
    page.click("main [type=submit]")
    page.wait_for_selector("[data-scroller]", timeout=TIMEOUT_MS, state="attached")
    found = context.cookies()
    context.close()
    return found


def _opened(browser: Browser, url: str, cookies: Any) -> dict[str, Any]:
    """Open the page in a new profile; what came until the network was silent."""
    context: BrowserContext = browser.new_context()
    context.add_cookies(cookies)
    page = context.new_page()
    session: CDPSession = context.new_cdp_session(page)
    session.send("Network.enable")
    urls: dict[str, str] = {}
    came: dict[str, int] = {}
    session.on(
        "Network.responseReceived", lambda e: urls.update({e["requestId"]: e["response"]["url"]})
    )
    session.on(
        "Network.loadingFinished",
        lambda e: came.update({e["requestId"]: int(e["encodedDataLength"])}),
    )
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector(FIRST_MESSAGE, timeout=TIMEOUT_MS)
    visible_s = time.perf_counter() - started
    page.wait_for_load_state("networkidle")
    found = {
        "bytes": sum(came.values()),
        "files": {urls.get(number, number): size for number, size in came.items()},
        "first_message_ms": round(visible_s * 1000, 1),
    }
    context.close()
    return found


def _lines(runs: dict[str, list[dict[str, Any]]]) -> list[row.Line]:
    cold = runs["cold"]
    return [
        row.line("transferred", [run["bytes"] / 1024 for run in cold], "KiB", most=MOST_KIB),
        row.line("files", [len(run["files"]) for run in cold], "files"),
        row.line(
            "first message visible", [run["first_message_ms"] for run in cold], "ms", most=MOST_MS
        ),
    ]


if __name__ == "__main__":
    row.alone(measure)
