"""Becomes the program that its arguments name, which ends when the process that asked for it does.

    python leash.py <pid of that process> <program> [arguments]

On Linux the kernel sees to it (prctl(2), PR_SET_PDEATHSIG) and keeps to it when the program takes this one's place.
Done here because nothing may be run between fork and exec in a process that has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
