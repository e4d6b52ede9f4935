"""The bridge as a process: it never outlives its session."""

from __future__ import annotations

import os
import subprocess
import sys

BRIDGE = "from sshpyk_core.remote import bridge; bridge.main('nonce')"


def test_a_bridge_whose_session_ends_before_it_has_said_a_word_ends_too() -> None:
    nobody, session = os.pipe()
    os.close(nobody)
    with subprocess.Popen(
        [sys.executable, "-c", BRIDGE], stdin=subprocess.PIPE, stdout=session
    ) as bridge:
        os.close(session)
        try:
            assert bridge.wait(20) == 0
        finally:
            bridge.kill()
