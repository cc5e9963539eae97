"""Owns the leash of a child process: it must not outlive the one who started it.

Run as a file (`python -I -S leash.py PARENT_PID COMMAND...`) and replaced at once by the command,
which keeps this process's id. On Linux the kernel then kills the command when its parent dies,
however it dies. Elsewhere nothing like that exists; the next `manage.py up` ends what was left.
Must not import anything of the project or of Django: it stands between every start and its child.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    parent_pid, *command = sys.argv[1:]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent_pid):
            sys.exit("the parent ended before its child began")
    os.execv(command[0], command)  # noqa: S606  (the command is our own, and no shell is wanted)


if __name__ == "__main__":
    main()
