"""An errand: one command to one supervisor, with the token that its own state file holds.

=========== ======================================================================
kind        of an error that is not the supervisor's own
=========== ======================================================================
gone        it has ended, or was killed; so has its kernel
unreachable it runs, but does not answer, or runs on another machine
=========== ======================================================================
"""

from typing import Any, Dict, Mapping

from . import asking, orphans, state
from .errands import ErrandError

PATIENCE = 3.0
"""Seconds for an answer, beside the time that the command itself says it may wait."""

COMMANDS = ("status", "signal", "stop", "log", "join", "access")


def run(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Tell the supervisor with that ``directory`` the ``command``; give its result."""
    directory, command = str(request["directory"]), dict(request["command"])
    if command.get("do") not in COMMANDS:
        raise ValueError("there is no command %.40r" % (command.get("do"),))
    if state.is_supervisors(directory):
        wait = min(30.0, max(0.0, float(command.get("wait") or 0)))
        reply = asking.ask([directory], command, PATIENCE + wait)[directory]
        if reply.ok is not None:
            return reply.ok
        if reply.error is not None:
            kind, words = reply.error.get("kind"), reply.error.get("message")
            raise ErrandError(str(kind), str(words))
    account = orphans.account_for(directory)
    raise ErrandError("unreachable" if account.lives else "gone", account.words)
