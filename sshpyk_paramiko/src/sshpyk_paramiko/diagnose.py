"""What stands between this machine and a session: findings for people."""

from __future__ import annotations

from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.diagnosis import Diagnosis
from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.host_keys.trust import read_known_hosts
from sshpyk_core.transport_kit.options import parse
from sshpyk_core.types import Finding, Prompter, Target

from sshpyk_paramiko.agent import open_agent
from sshpyk_paramiko.chain import Chain
from sshpyk_paramiko.limits import KEPT, limits
from sshpyk_paramiko.options import Options

__all__ = ["diagnose"]


async def diagnose(target: Target) -> list[Finding]:
    """Check, in this order: the settings, what paramiko cannot do for them, the way, the login.

    Stops at the first error, because nothing after it could be told. Asks nobody and changes
    nothing.
    """
    diagnosis = Diagnosis(target, "paramiko")
    chain = Chain(target)

    async def check(settings: HostSettings, key: HostKey, prompter: Prompter | None) -> None:
        diagnosis.note(f"{settings.hostname} port {settings.port} answers", "port")
        await diagnosis.check(settings, key, prompter)

    try:
        with diagnosis.until_an_error():
            options = parse(Options, target.options, "paramiko")
            hosts, usual = await diagnosis.read_settings(options.overrides, KEPT)
            for settings in hosts:
                diagnosis.findings += await _limits(chain, settings, usual)
            for settings in () if diagnosis.found_an_error else hosts:
                await chain.extend(settings, None, check)
                diagnosis.note(f"the login to {settings.alias} works without a question")
    finally:
        await chain.aclose()
    return diagnosis.findings


async def _limits(chain: Chain, settings: HostSettings, usual: HostSettings) -> list[Finding]:
    known = await read_known_hosts(settings)

    def look() -> list[Finding]:
        agent = open_agent(settings)
        try:
            keys = [bytes(key.blob) for key in agent.get_keys()] if agent else []
        finally:
            if agent:
                agent.close()
        return list(limits(settings, usual, known, keys))

    return await chain.workers.run("look for limits", look)
