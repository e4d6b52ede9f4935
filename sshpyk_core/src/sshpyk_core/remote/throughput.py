"""What the system is told so that bytes flow through the remote processes with little effort."""

import fcntl
import sys

KEPT_BYTES = 4 * 1024 * 1024
"""Size of the blocks up to which freed memory is kept."""

PIPE_BYTES = 1024 * 1024
"""What a pipe shall hold."""


def keep_memory() -> None:
    """Make the C library keep some memory that was freed, as a relay needs it again at once.

    Returning it to the system and getting it back costs more than what is done with it. glibc
    raises its limits when a block of that size is freed: M_MMAP_THRESHOLD in mallopt(3). Children
    by fork inherit that.
    """
    block = bytes(KEPT_BYTES)
    del block


def enlarge_pipe(fd: int) -> None:
    """Let a pipe hold more than the usual 64 KiB where the system can (Linux, fcntl(2))."""
    if sys.platform == "linux":
        f_setpipe_sz = 1031
        try:
            fcntl.fcntl(fd, f_setpipe_sz, PIPE_BYTES)
        except OSError:
            return  # a socket, or the user's quota of pipe memory is used up
