"""What stands between this machine and a session: findings for people."""

from __future__ import annotations

import asyncio
import sys

from sshpyk_core.errors import (
    AuthenticationError,
    ConfigError,
    ConnectError,
    UnknownHostKeyError,
)
from sshpyk_core.local_tool import ask_tool
from sshpyk_core.ssh_config import program
from sshpyk_core.transport_kit.diagnosis import step_of
from sshpyk_core.types import Finding, Target

from sshpyk_openssh import command as ssh_command
from sshpyk_openssh import kept
from sshpyk_openssh import master as control_master
from sshpyk_openssh.command import SshCommand
from sshpyk_openssh.failures import connect_error, ssh_line

__all__ = ["diagnose"]

_VERSION_LIMIT_SECONDS = 10.0
_LOG_IN_LIMIT_SECONDS = 20.0
# A login to see whether it works must not teach ssh a host key.
_CHANGE_NOTHING = ("-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no")


async def diagnose(target: Target) -> list[Finding]:
    """Check, in this order: the program, its settings for the alias, the login.

    Stops at the first error, because nothing after it could be told. Asks nobody and leaves nothing
    behind.
    """
    findings = [await _version(target)]
    if findings[-1].level == "error":
        return findings
    try:
        command = await ssh_command.prepare(target, None)
    except ConfigError as error:
        return [*findings, Finding("error", str(error), "Correct the kernel spec.", "settings")]
    except ConnectError as error:
        return [*findings, Finding("error", error.answer, error.fix, "settings")]
    findings.append(_settings(command))
    findings.extend(_multiplexing(command))
    findings.extend(await _login(command))
    return findings


async def _version(target: Target) -> Finding:
    ssh = program(target)[0]
    try:
        answer = await ask_tool([ssh, "-V"], _VERSION_LIMIT_SECONDS)
    except asyncio.TimeoutError:  # an OSError too, on Python >= 3.11
        return Finding("error", f"`{ssh} -V` does not end", "Name another `ssh`.")
    except OSError as error:
        fix = "Install an OpenSSH client, or name one as `ssh` in the kernel spec."
        return Finding("error", f"{ssh} cannot be run: {error.strerror}", fix)
    words = (answer.errors or answer.output).strip()
    if "OpenSSH" in words:
        return Finding("ok", f"{ssh} is {words}")
    fix = "Name an OpenSSH client as `ssh` in the kernel spec."
    return Finding("warning", f"{ssh} does not call itself OpenSSH: {words!r}", fix)


def _settings(command: SshCommand) -> Finding:
    settings = command.settings
    way = settings.proxy_jump or settings.proxy_command
    through = f", through {way}" if way else ""
    where = f"{settings.user}@{settings.hostname}, port {settings.port}{through}"
    return Finding("ok", f"ssh reads {settings.alias} as {where}", step="settings")


def _multiplexing(command: SshCommand) -> list[Finding]:
    if sys.platform != "win32" and command.options.multiplex != "never":
        return []
    cause = "without a control master each command is a login of its own"
    return [Finding("info", cause, "On Windows, ssh inside WSL has control masters.")]


async def _login(command: SshCommand) -> list[Finding]:
    alias = command.target.alias
    if command.options.multiplex == "auto":
        master = await control_master.find_open(command)
        if master is not None:
            await master.release()
            cause = f"a control master for {alias} is open and will be used"
            return [Finding("ok", cause, step="login")]
    if command.options.multiplex != "never" and (master := await kept.find_open(command)):
        await master.release()
        cause = f"a login to {alias} is kept open and will be used"
        return [Finding("ok", cause, step="login")]
    head, words = program(command.target), command.single("exit 0")
    arguments = [*head, *_CHANGE_NOTHING, *words[len(head) :]]
    try:
        answer = await ask_tool(arguments, _LOG_IN_LIMIT_SECONDS)
    except asyncio.TimeoutError:
        # Not known to be wrong: the login was done, perhaps, and its shell does not end.
        cause = f"no command ended on {alias} within {_LOG_IN_LIMIT_SECONDS:.0f} s"
        return [Finding("warning", cause, f"Try it in a terminal: `{ssh_line(command)}`", "login")]
    known = Finding("ok", f"ssh knows the host key of {alias}", step="host key")
    if answer.status != 255:
        cause = f"the login to {alias} works without a question"
        return [known, Finding("ok", cause, step="login")]
    error = connect_error(command, answer.errors)
    if isinstance(error, UnknownHostKeyError) and _accepts_new_keys(command):
        cause = f"the key of {alias} is new: the first login will accept it"
        fix = f"See its fingerprint and accept it in a terminal: `{ssh_line(command)}`"
        return [Finding("info", cause, fix, "host key")]
    cause = f"the login to {alias} failed: {error.answer}"
    failed = Finding("error", cause, error.fix, step_of(error))
    return [known, failed] if isinstance(error, AuthenticationError) else [failed]


def _accepts_new_keys(command: SshCommand) -> bool:
    checking = command.settings.get("stricthostkeychecking") or "ask"
    return checking.lower() in ("accept-new", "no", "off", "false")
