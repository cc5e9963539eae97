"""Owns which Python this runs on: the versions supported, and whether one was built to be quick.

Also a program, `python -I interpreter.py`, run by each Python that `make install` finds: it says
`quick`, `plain`, or nothing for one that will not do. So it needs the standard library alone.
"""

import importlib.util
import sys
import sysconfig

OLDEST = (3, 11)
NEWEST = (3, 13)
NEEDED = ("venv", "ensurepip")
"""What Debian keeps in a package of its own (`python3-venv`)."""
OPTIMIZED = "--enable-optimizations"
SYSTEM_PREFIX = "/usr"
"""Of those of distributions, which are optimized; Debian's does not say so in its configuration."""


def is_supported(version: tuple[int, int]) -> bool:
    return OLDEST <= version <= NEWEST


def is_quick(*, configured: str, prefix: str) -> bool:
    """Whether a Python was compiled with what it learned from running (profile-guided).

    One that was not, as version managers make them unless told otherwise, takes 1.2 to 1.6 times
    the processor for the same work (docs/performance.md).
    """
    return OPTIMIZED in configured or prefix == SYSTEM_PREFIX


def this_is_quick() -> bool:
    configured = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return is_quick(configured=configured, prefix=sys.base_prefix)


def main() -> None:
    has_all = all(importlib.util.find_spec(name) is not None for name in NEEDED)
    if is_supported(sys.version_info[:2]) and has_all:
        sys.stdout.write("quick\n" if this_is_quick() else "plain\n")


if __name__ == "__main__":
    main()
