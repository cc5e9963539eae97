"""Owns the end of the embedded database when its storage engine has panicked.

Run as a file (`python -I database_process.py ARGUMENTS...`), in place of `python -m secantus`.
After a failed write (a full disk) WiredTiger refuses everything until it is opened again, while
SecantusDB stays up and answers each command with an internal error: for ever. Ending the process,
as `mongod` does, lets whoever watches over it start it again. Must not import anything of ours.
"""

import logging
import os
import sys

PANICKED = os.EX_IOERR
"""The exit code."""
PANIC = "WT_PANIC"
"""What WiredTiger's errors say then (its error -31804)."""


class EndOnPanic(logging.Handler):
    """Ends the process with the first record that tells of a panic."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and PANIC in str(error):
            print(f"the storage engine has panicked ({error}): ending", file=sys.stderr, flush=True)
            os._exit(PANICKED)  # nothing can be written any more: there is no orderly way


def main() -> int:
    """Run SecantusDB with the command line's arguments; its exit code."""
    from secantus import cli

    logging.getLogger("secantus").addHandler(EndOnPanic())
    return int(cli.main())


if __name__ == "__main__":
    sys.exit(main())
