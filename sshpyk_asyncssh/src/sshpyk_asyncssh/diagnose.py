"""What stands between this machine and a session: findings for people."""

from __future__ import annotations

from sshpyk_core.transport_kit.diagnosis import Diagnosis
from sshpyk_core.transport_kit.options import parse
from sshpyk_core.types import Finding, Target

from sshpyk_asyncssh.connect import Connector
from sshpyk_asyncssh.limits import KEPT, limits
from sshpyk_asyncssh.options import Options

__all__ = ["diagnose"]


async def diagnose(target: Target) -> list[Finding]:
    """Check, in this order: the settings, what asyncssh cannot do with them, the way to a login.

    Stops at the first error, because nothing after it could be told. Asks nobody and leaves nothing
    behind.
    """
    diagnosis = Diagnosis(target, "asyncssh")
    with diagnosis.until_an_error():
        options = parse(Options, target.options, "asyncssh")
        hosts, usual = await diagnosis.read_settings(options.overrides, KEPT)
        for settings in hosts:
            diagnosis.findings += await limits(settings, usual)
        if not diagnosis.found_an_error:
            connector = Connector(target, None, diagnosis.check, diagnosis.note)
            connections, _ = await connector.connect(hosts)
            await connections.aclose()
            diagnosis.note(f"the login to {target.alias} works without a question")
    return diagnosis.findings
