"""Whether a person can be asked from this process, and by what means: decided here and only here.

1. ``SSHPYK_ASK=never``: nobody.
2. SSH_ASKPASS_REQUIRE is ``force``, or ``prefer`` on a desktop: the SSH_ASKPASS program (ssh(1)).
3. The process is in the foreground of a terminal and is no Jupyter server: that terminal. A
   server's terminal is its log; whoever works in the browser does not look at it.
4. The SSH_ASKPASS program, where ssh would use it.
5. Nobody.
"""

from __future__ import annotations

import os
import sys

from sshpyk_core.prompting import askpass
from sshpyk_core.prompting.askpass import Askpass
from sshpyk_core.prompting.terminal import Terminal, is_there
from sshpyk_core.types import Prompter

__all__ = ["find_person"]


def find_person() -> Prompter | None:
    """Return the way to ask a person now; None when there is none."""
    if os.environ.get("SSHPYK_ASK", "").lower() == "never":
        return None
    program = askpass.program(os.environ)
    wanted = askpass.demand(os.environ)
    if program is not None and wanted in ("force", "prefer"):
        return Askpass(program)
    if wanted != "force" and not _serves_jupyter() and is_there():
        return Terminal()
    return Askpass(program) if program is not None else None


def _serves_jupyter() -> bool:
    # Asked of what is loaded: a process that has not loaded it serves nothing.
    module = sys.modules.get("jupyter_server.serverapp")
    return module is not None and bool(module.ServerApp.initialized())
