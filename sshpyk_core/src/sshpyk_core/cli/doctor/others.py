"""Whether the other installed transports would do as well; nobody is asked, nothing is started."""

from __future__ import annotations

import asyncio
import time
from dataclasses import fields, replace

from sshpyk_core.checks.failure import finding_of, has_error
from sshpyk_core.checks.login_shell import login_shell_runs_commands
from sshpyk_core.cli.doctor.examination import DIAGNOSE_SECONDS
from sshpyk_core.cli.doctor.report import TransportReport
from sshpyk_core.errors import SshpykError
from sshpyk_core.prompting.login import Shared
from sshpyk_core.registry import default_registry
from sshpyk_core.transport import transport_for
from sshpyk_core.transport_kit.deadline import Deadline
from sshpyk_core.types import Finding, Target
from sshpyk_core.visiting import session_to

__all__ = ["other_transports", "over", "try_transport"]


def other_transports(target: Target) -> list[str]:
    """Name the installed transports but that of the target."""
    return [name for name in default_registry().names() if name != target.transport]


def over(target: Target, name: str) -> Target:
    """Give a target over another transport, with those of its options that the other has too.

    Raises:
        PluginError: there is no such transport, or it is broken.
    """
    known = {each.name for each in fields(default_registry().declaration(name).options)}
    options = {key: value for key, value in target.options.items() if key in known}
    return replace(target, transport=name, options=options)


async def try_transport(target: Target, name: str, shared: Shared) -> TransportReport:
    """Diagnose, connect, and run one command.

    Args:
        target: the host, over another transport.
        name: the transport to try.
        shared: what was answered for the other one, which may do here too.
    """
    try:
        return await _tried(target, name, shared)
    except SshpykError as error:
        return TransportReport(name, False, (finding_of(error),))


async def _tried(target: Target, name: str, shared: Shared) -> TransportReport:
    there = over(target, name)
    missing = default_registry().declaration(name).missing_programs()
    if missing:
        cause = f"not on PATH: {', '.join(missing)}"
        return TransportReport(name, False, (Finding("error", cause, "Install it."),))
    transport = transport_for(there)
    try:
        findings = await Deadline(DIAGNOSE_SECONDS).run(transport.diagnose(there))
    except asyncio.TimeoutError:
        cause = f"nothing was found out within {DIAGNOSE_SECONDS:.0f} s"
        findings = [Finding("error", cause, "Try it again when the host answers.")]
    unwell = [each for each in findings if each.level != "ok"]
    if has_error(unwell):
        if unwell[-1].step != "login" or not shared.memory:
            return TransportReport(name, False, tuple(unwell))
        unwell.pop()
    began = time.monotonic()
    async with session_to(there, shared=shared) as reached:
        took = time.monotonic() - began
        shell = await login_shell_runs_commands(transport, reached.session)
    bad = [each for each in shell if each.level == "error"]
    return TransportReport(name, not bad, (*unwell, *bad), took)
