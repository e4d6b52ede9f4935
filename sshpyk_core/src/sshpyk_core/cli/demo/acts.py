"""The steps of the demo: each shows one thing, and fails when it is not so."""

from __future__ import annotations

import os
from typing import Any

from sshpyk_core.cli.demo.errors import DemoError
from sshpyk_core.cli.demo.stage import Stage
from sshpyk_core.cli.demo.story import Story

__all__ = ["play"]

WHERE_CELL = """
import json, os, platform, socket, sys
kept = "until the restart"
print(json.dumps({
    "host": socket.gethostname(),
    "pid": os.getpid(),
    "python": sys.executable,
    "version": platform.python_version(),
    "cwd": os.getcwd(),
    "ssh_connection": os.environ.get("SSH_CONNECTION", ""),
}))
"""

AFTER_CELL = """
import json, os
print(json.dumps({"pid": os.getpid(), "kept": "kept" in globals()}))
"""


async def play(stage: Stage, story: Story) -> None:
    """Go through all steps.

    Args:
        stage: a fresh one; cleared at the end, and to be cleared by the caller after an error.
        story: is told what happens.

    Raises:
        DemoError: something is not as it should be.
        SshpykError, OSError, RuntimeError: a step failed.
    """
    await _start(stage, story)
    first = await _look_around(stage, story)
    await _interrupt(stage, story)
    await _restart(stage, story, first)
    await _end(stage, story)


async def _start(stage: Stage, story: Story) -> None:
    with story.step("server", "Starting an SSH server") as step:
        await stage.start_server()
        port = stage.server.port
        step.done = f"SSH server on 127.0.0.1:{port}, with throw-away keys"
        step.facts = {"port": port}
    with story.step("start", f"Starting a kernel behind it, through {story.transport}") as step:
        await stage.kernel.start()
        step.done = f"Kernel started behind it, through {story.transport}"
        step.facts = {"ports": stage.kernel.ports}


async def _look_around(stage: Stage, story: Story) -> dict[str, Any]:
    with story.step("cell", "Running a cell there") as step:
        found: dict[str, Any] = await stage.kernel.run(WHERE_CELL)
        if found["ssh_connection"].split(" ")[-1] != str(stage.server.port):
            raise DemoError(f"the cell ran somewhere else: {found}")
        step.done = "A cell says where it runs"
        step.rows = {
            "host": found["host"],
            "process": f"{found['pid']} (this program is {os.getpid()})",
            "python": f"{found['version']}, {found['python']}",
            "directory": found["cwd"],
            "SSH_CONNECTION": found["ssh_connection"],
        }
        step.facts = found
    return found


async def _interrupt(stage: Stage, story: Story) -> None:
    with story.step("interrupt", "Interrupting a busy cell") as step:
        ended = await stage.kernel.interrupt_busy_cell()
        if ended.error != "KeyboardInterrupt":
            raise DemoError(f"the interrupted cell ended with {ended.error}")
        step.done = f"Busy cell interrupted: {ended.error} after {ended.seconds * 1000:.0f} ms"
        step.facts = {"exception": ended.error, "interrupt_seconds": round(ended.seconds, 4)}


async def _restart(stage: Stage, story: Story, before: dict[str, Any]) -> None:
    with story.step("restart", "Restarting the kernel") as step:
        ports = stage.kernel.ports
        await stage.kernel.restart()
        after = await stage.kernel.run(AFTER_CELL)
        if after["pid"] == before["pid"] or after["kept"]:
            raise DemoError("the kernel that answers is the one from before the restart")
        if stage.kernel.ports != ports:
            raise DemoError(f"the local ports changed from {ports} to {stage.kernel.ports}")
        step.done = "Kernel restarted: variable gone, local ports the same"
        step.facts = {"pid": after["pid"], "variable_gone": True, "ports": ports}


async def _end(stage: Stage, story: Story) -> None:
    with story.step("end", "Ending and removing everything") as step:
        await stage.kernel.shut_down()
        remains = await stage.clear()
        if remains.processes or remains.files:
            raise DemoError(f"this should have gone by itself:\n{remains}")
        step.done = "Everything ended: no process and no file is left"
        step.facts = {"processes_left": 0, "files_left": 0}
