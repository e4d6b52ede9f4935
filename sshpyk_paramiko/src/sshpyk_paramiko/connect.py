"""Making a session: whose settings, through which hosts, with whose help."""

from __future__ import annotations

from sshpyk_core.transport_kit.host_keys.check import check_host_key
from sshpyk_core.transport_kit.options import parse
from sshpyk_core.transport_kit.route.route import route
from sshpyk_core.transport_kit.settings.reader import SettingsReader
from sshpyk_core.types import Prompter, Target

from sshpyk_paramiko.chain import Chain
from sshpyk_paramiko.limits import KEPT
from sshpyk_paramiko.options import Options
from sshpyk_paramiko.session import ParamikoSession

__all__ = ["connect"]


async def connect(target: Target, prompter: Prompter | None) -> ParamikoSession:
    """Connect to a target through its jump hosts.

    Args:
        target: where to.
        prompter: whom to ask; None: nobody.

    Raises:
        ConfigError: the kernel spec or the ssh configuration says something impossible.
        ConnectError: the subclass that fits; a jump host that failed is named.
    """
    options = parse(Options, target.options, "paramiko")
    read = SettingsReader(target, options.overrides, KEPT)
    hosts = await route(target, read)
    read.warn()
    chain = Chain(target)
    try:
        for settings in hosts:
            await chain.extend(settings, prompter, check_host_key)
    except BaseException:
        await chain.aclose()
        raise
    return ParamikoSession(chain, options)
