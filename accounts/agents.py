"""Owns how a login is named to the person whose it is: by what its User-Agent says of itself.

A guess for the eye, of a text that anybody can forge: nothing may depend on it.
"""

from typing import Final

BROWSERS: Final = (
    # The first that is found: each pretends to be those below it.
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device(agent: str) -> str:
    """`Firefox on Linux`; of a program the name that it gives itself."""
    browser = _first(BROWSERS, agent)
    if not browser or not agent.startswith("Mozilla/"):
        return agent.split("/")[0].strip()[:40] or "Something unnamed"
    system = _first(SYSTEMS, agent)
    return f"{browser} on {system}" if system else browser


def _first(names: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for mark, name in names if mark in agent), "")
