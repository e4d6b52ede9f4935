"""Whether the login shell runs commands, and what it prints before them."""

from __future__ import annotations

import asyncio
import os
import secrets

from sshpyk_core.checks.asking import Talk, running
from sshpyk_core.shell import one_line
from sshpyk_core.transport import Transport
from sshpyk_core.transport_kit.deadline import Deadline
from sshpyk_core.types import Finding, Session

__all__ = ["SHELL_SECONDS", "login_shell_runs_commands"]

SHELL_SECONDS = 20.0
"""How long a login shell may take before it runs a command."""

_ERRORS_SECONDS = 0.5
_LONGEST_NAME = 40
_QUOTED = 200
_GUARDS = {
    "csh": ("~/.cshrc", "if (! $?prompt) exit"),
    "tcsh": ("~/.tcshrc", "if (! $?prompt) exit"),
    "fish": ("~/.config/fish/config.fish", "status is-interactive; or exit"),
    "zsh": ("~/.zshenv", "[[ -o interactive ]] || return"),
    "bash": ("~/.bashrc", "case $- in *i*) ;; *) return;; esac"),
}
_USUAL_GUARD = ("its start-up file", "case $- in *i*) ;; *) return;; esac")


async def login_shell_runs_commands(
    transport: Transport, session: Session, limit_seconds: float = SHELL_SECONDS
) -> list[Finding]:
    """Run a command that prints one word, and look at what comes with it.

    Raises:
        LaunchError: the server refuses.
    """
    a, b = secrets.token_hex(8), secrets.token_hex(8)
    # The mark is put together there: a shell that prints its commands does not print it.
    command = one_line(f'a={a} b={b}; echo "$a$b:$SHELL"; echo "$a$b." >&2')
    loop = asyncio.get_running_loop()
    alias = session.target.alias
    async with running(transport, session, command) as talk:
        began = loop.time()
        try:
            shell = await Deadline(limit_seconds).run(_shell(talk, f"{a}{b}"))
        except asyncio.TimeoutError:
            cause = (
                f"the login shell ran no command within {limit_seconds:g} s"
                f"{_printed(talk.read, talk.errors)}"
            )
            fix = f"Something in its start-up files waits: `ssh {alias} true` must end at once."
            return [Finding("error", cause, fix)]
        took = loop.time() - began
        if shell is None:
            return [await _no_shell(talk, alias)]
        before = talk.read.partition(f"{a}{b}:".encode())[0]
        noise, errors = before.strip(), bytes(talk.errors).partition(f"{a}{b}.".encode())[0].strip()
    name = os.path.basename(shell)[:_LONGEST_NAME] or "the login shell"
    findings = [Finding("ok", f"{name} runs commands ({took * 1000:.0f} ms)")]
    if noise or errors:
        file, guard = _GUARDS.get(name, _USUAL_GUARD)
        cause = f"it prints before each command{_printed(noise, errors)}; sshpyk passes it over"
        fix = f"Other tools fail over it. Put at the top of {file}: `{guard}`"
        findings.append(Finding("info", cause, fix))
    return findings


async def _shell(talk: Talk, mark: str) -> str | None:
    shell = await talk.line_after(f"{mark}:".encode())
    if shell is not None and talk.listening is not None:
        # Standard error comes its own way, and a daemon of the start-up files may hold it open.
        await asyncio.wait([talk.listening], timeout=_ERRORS_SECONDS)
    return shell


async def _no_shell(talk: Talk, alias: str) -> Finding:
    printed = _printed(talk.read, talk.errors)
    if not talk.ended:
        cause = f"the login shell prints without end{printed}"
    else:
        try:
            how = f"ended with status {await Deadline(5).run(_status(talk))}"
        except asyncio.TimeoutError:
            how = "closed its output"
        cause = f"the login shell did not run a command: it {how}{printed}"
    fix = (
        f"See what `ssh {alias} true` does: a forced command, a shell such as nologin, or a"
        " start-up file that ends the shell stands in the way."
    )
    return Finding("error", cause, fix)


async def _status(talk: Talk) -> int:
    return await talk.process.wait()


def _printed(output: bytes, errors: bytes | bytearray) -> str:
    """Quote what was printed; nothing when that was nothing."""
    said = []
    for what, data in (("", output), (" on standard error", errors)):
        text = bytes(data).decode("utf-8", "replace").strip()
        if text:
            shown = "".join(each if each.isprintable() else " " for each in text[:_QUOTED])
            more = f" ... ({len(data)} bytes)" if len(text) > _QUOTED else ""
            said.append(f"{what} {shown!r}{more}".strip())
    return f": {'; '.join(said)}" if said else ""
