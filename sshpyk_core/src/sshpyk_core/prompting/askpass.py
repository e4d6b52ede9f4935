"""Asks through the desktop's SSH_ASKPASS program, by the rules of ssh(1)."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Mapping
from typing import Literal

from sshpyk_core.local_tool import start_group
from sshpyk_core.prompting.wording import readable
from sshpyk_core.types import Question

__all__ = ["Askpass", "demand", "program"]

log = logging.getLogger(__name__)


def demand(environ: Mapping[str, str]) -> Literal["never", "prefer", "force", "usual"]:
    """Say what SSH_ASKPASS_REQUIRE asks for; ``prefer`` counts only on a desktop."""
    wanted = environ.get("SSH_ASKPASS_REQUIRE", "").lower()
    if wanted == "never":
        return "never"
    if wanted == "force":
        return "force"
    if wanted == "prefer" and _on_desktop(environ):
        return "prefer"
    return "usual"


def program(environ: Mapping[str, str]) -> str | None:
    """Find the program that may be run now; None where there is none, or no desktop to show it."""
    wanted = demand(environ)
    if wanted == "never" or (wanted != "force" and not _on_desktop(environ)):
        return None
    name = environ.get("SSH_ASKPASS") or "ssh-askpass"
    return shutil.which(name, path=environ.get("PATH"))


def _on_desktop(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


class Askpass:
    """A prompter: one run of the program for each question; cancelling closes its dialog."""

    def __init__(self, path: str) -> None:
        """Ask by the program at ``path``."""
        self._path = path

    async def ask(self, question: Question) -> str | None:
        """Show the question; None when it was declined or the program cannot be run.

        To a question of the kind ``confirm`` the answer is "yes" or "no".
        """
        env = dict(os.environ)
        env.pop("SSH_ASKPASS_PROMPT", None)
        if question.kind == "confirm":
            env["SSH_ASKPASS_PROMPT"] = "confirm"
        try:
            process = await start_group(
                self._path,
                _argument(question.text),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=env,
            )
        except OSError as error:
            log.warning("%s cannot be run: %s", self._path, error)
            return None
        try:
            output, _ = await process.communicate()
        finally:
            await process.end()
        line = os.fsdecode(output).split("\n", 1)[0].rstrip("\r")
        if question.kind == "confirm":
            # As ssh judges it: a dialog of two buttons prints nothing.
            agreed = process.returncode == 0 and line.strip().lower() in ("", "yes")
            return "yes" if agreed else "no"
        return line if process.returncode == 0 else None


def _argument(text: str) -> str:
    # A text may begin with a server's words, which the program must not take for an option.
    shown = readable(text)
    return f" {shown}" if shown.startswith("-") else shown
