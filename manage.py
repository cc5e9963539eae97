#!/usr/bin/env python3
"""Owns the way into every command. `up` goes past Django, whose imports it does not need itself."""

import sys


def main() -> None:
    try:
        if sys.argv[1:2] == ["up"]:
            from chatsite import supervisor

            sys.exit(supervisor.main(sys.argv[2:]))

        from chatsite import env

        env.use_settings()
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as error:
        sys.exit(f"parley: {error.name} is not installed: run `make install`")
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)  # as shells say of a program that Ctrl-C ended


if __name__ == "__main__":
    main()
