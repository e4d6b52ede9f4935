"""The remote package's event loop, driven by a test until something has happened."""

from __future__ import annotations

import time
from collections.abc import Callable

from sshpyk_core.remote.reactor import Reactor

__all__ = ["run_until"]

LOOK = 0.001
LONGEST = 20.0


def run_until(reactor: Reactor, happened: Callable[[], bool]) -> None:
    """Run a reactor until ``happened()``; fail when it has not after a while."""
    deadline = time.monotonic() + LONGEST

    def look() -> None:
        if happened() or time.monotonic() > deadline:
            reactor.stop()
        else:
            reactor.call_later(LOOK, look)

    look_first = reactor.call_later(0, look)
    reactor.run()
    look_first.cancel()
    assert happened()
