"""A child that does not outlive its parent, where the system can see to that."""

import os
import signal
from typing import Callable, Optional

from .identity import LINUX

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when the thread that made it has ended."""


def dies_with(parent: int, signum: int = signal.SIGKILL) -> Optional[Callable[[], None]]:
    """Give what a child does before it executes a program, so that it is killed with its parent.

    It holds for the program that the child becomes, and not for children of that. The one thread
    of the parent has to be the one that forks.

    Args:
        parent: pid of the process that is about to fork, or has forked this one.
        signum: what the child gets.

    Returns:
        For ``preexec_fn`` of :class:`subprocess.Popen`; None where the system cannot do it.
    """
    if not LINUX:
        return None
    try:
        # Here and not above: only who starts a kernel needs it, and it costs more than a fork.
        import ctypes

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # it ended before the system was asked

    return ask
