"""The signals that a server may name as the end of a command (RFC 4254, section 6.10)."""

from __future__ import annotations

__all__ = ["SIGNAL_NUMBERS", "exit_status_of"]

# As Linux numbers them; the module `signal` knows only those of this machine.
SIGNAL_NUMBERS = {
    "HUP": 1,
    "INT": 2,
    "QUIT": 3,
    "ILL": 4,
    "TRAP": 5,
    "ABRT": 6,
    "BUS": 7,
    "FPE": 8,
    "KILL": 9,
    "USR1": 10,
    "SEGV": 11,
    "USR2": 12,
    "PIPE": 13,
    "ALRM": 14,
    "TERM": 15,
    "XCPU": 24,
    "XFSZ": 25,
    "VTALRM": 26,
    "PROF": 27,
    "SYS": 31,
}

_UNKNOWN_SIGNAL = 99


def exit_status_of(signal: str) -> int:
    """Return minus the number of a signal, as a process's status; -99 for an unknown one."""
    return -SIGNAL_NUMBERS.get(signal.removeprefix("SIG"), _UNKNOWN_SIGNAL)
