"""Looks at hosts in parallel: one connection to each, with a time limit, and nobody is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from sshpyk_core.cli.hop_settings import Hop, read_hops
from sshpyk_core.cli.listing.facts import Fact
from sshpyk_core.cli.status import LiveStatus
from sshpyk_core.connection import Places
from sshpyk_core.declaration import Capability
from sshpyk_core.errors import (
    AuthenticationError,
    ConfigError,
    HostError,
    HostKeyError,
    PluginError,
    SshpykError,
    UnknownHostKeyError,
)
from sshpyk_core.locating import Located, Location, NotLocated, Wanted, locate
from sshpyk_core.prompting.login import Shared
from sshpyk_core.registry import default_registry
from sshpyk_core.transport import transport_for
from sshpyk_core.types import Finding, Target
from sshpyk_core.visiting import visiting

__all__ = ["NOT_CHECKED", "HostReport", "HostToCheck", "Limits", "looking_at"]

AT_ONCE = 8
"""Hosts that are looked at at the same time."""

MOST_NAMED = 3
"""Hosts that the live line names."""

NOT_CHECKED = Fact("not checked", "unknown")


@dataclass(frozen=True)
class HostToCheck:
    """One host and what is wanted of it.

    Attributes:
        target: where it is.
        login: what to give to ``sshpyk login``.
        places: where the remote package runs there.
        wanted: the kernels that are expected there, by the kernel spec here.
        usable: whether this machine has what it takes to go there.
    """

    target: Target
    login: str
    places: Places
    wanted: Mapping[str, Wanted]
    usable: bool = True


@dataclass(frozen=True)
class HostReport:
    """What became of looking at a host.

    Attributes:
        hops: the hosts on the way and it, with their settings.
        way: why these are not known; None when they are.
        connection: whether it lets us in.
        findings: what its transport says besides.
        location: what it says of itself; None when it could not be asked.
        kernels: what it says of its kernels, by the kernel spec here.
        trouble: why that could not be asked although there was a connection.
    """

    hops: tuple[Hop, ...] = ()
    way: Fact | None = None
    connection: Fact = NOT_CHECKED
    findings: tuple[Finding, ...] = ()
    location: Location | None = None
    kernels: Mapping[str, Located | NotLocated] = field(default_factory=dict)
    trouble: Fact | None = None


@dataclass(frozen=True)
class Limits:
    """How far a look goes.

    Attributes:
        connect: whether to connect at all.
        seconds: that one host may take.
    """

    connect: bool
    seconds: float


@asynccontextmanager
async def looking_at(
    hosts: Sequence[HostToCheck], limits: Limits, status: LiveStatus
) -> AsyncIterator[Mapping[Target, asyncio.Task[HostReport]]]:
    """Look at all hosts in the background; what is still under way at the end is given up.

    Args:
        hosts: each target once.
        limits: how far to go.
        status: says which hosts are still waited for.
    """
    turn, shared = asyncio.Semaphore(AT_ONCE), Shared()
    waiting = [host.target.alias for host in hosts]

    async def look(host: HostToCheck) -> HostReport:
        async with turn:
            report = await _look(host, limits, shared)
        waiting.remove(host.target.alias)
        status.say(_progress(len(hosts), waiting))
        return report

    if hosts:
        status.say(_progress(len(hosts), waiting))
    tasks = {host.target: asyncio.create_task(look(host)) for host in hosts}
    try:
        yield tasks
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def _progress(count: int, waiting: Sequence[str]) -> str:
    done = f"{count - len(waiting)} of {count} hosts done"
    named = ", ".join(waiting[:MOST_NAMED])
    more = f" and {len(waiting) - MOST_NAMED} more" if len(waiting) > MOST_NAMED else ""
    return f"{done}, waiting for {named}{more}" if waiting else done


async def _look(host: HostToCheck, limits: Limits, shared: Shared) -> HostReport:
    if not host.usable:
        cause = "this machine lacks what it takes, see above"
        return HostReport(connection=Fact("not checked", "unknown", cause))
    settings = _settings(host.target, limits.seconds)
    if not limits.connect:
        hops, way = await settings
        return HostReport(hops, way)
    (hops, way), report = await asyncio.gather(settings, _connection(host, limits.seconds, shared))
    return replace(report, hops=hops, way=way)


async def _settings(target: Target, limit: float) -> tuple[tuple[Hop, ...], Fact | None]:
    cause, fix = "", "Correct the ssh configuration."
    try:
        declaration = default_registry().declaration(target.transport)
        if Capability.SSH_CONFIG not in declaration.capabilities:
            return (), None
        return await asyncio.wait_for(read_hops(target), limit), None
    except PluginError:
        return (), None  # that the transport cannot be used is told where that is named
    except asyncio.TimeoutError:
        cause, fix = f"no answer from ssh within {limit:g} s", f"Try `ssh -G {target.alias}`."
    except HostError as error:
        cause, fix = error.answer, error.fix
    except (ConfigError, OSError) as error:
        cause = str(error)
    return (), Fact("unknown", "error", cause, fix)


async def _connection(host: HostToCheck, limit: float, shared: Shared) -> HostReport:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        return await asyncio.wait_for(_visit(host, shared), limit)
    except asyncio.TimeoutError:
        fix = f"Try it in a terminal: `sshpyk login {host.login}`."
        late = Fact("failed", "error", f"no connection within {limit:g} s", fix)
        return HostReport(connection=late)
    except (AuthenticationError, HostKeyError) as error:
        # The cause is certain, and servers punish those who fail again.
        return HostReport(connection=_refused(host, error))
    except HostError as error:
        failed = Fact("failed", "error", _said(host, error), error.fix)
        left = max(0.1, limit - (loop.time() - begun))
        findings = await _diagnosis(host.target, left, error.answer)
        return HostReport(connection=failed, findings=findings)
    except SshpykError as error:
        cause, fix = error.cause_and_fix()
        fix = fix or "Correct the kernel spec."
        return HostReport(connection=Fact("failed", "error", cause, fix))
    except OSError as error:  # of this machine; the other hosts are looked at all the same
        return HostReport(connection=Fact("failed", "error", str(error)))


async def _visit(host: HostToCheck, shared: Shared) -> HostReport:
    works = Fact("works")
    async with visiting(host.target, places=host.places, shared=shared) as visit:
        try:
            location = await locate(visit.link, list(host.wanted.values()))
        except HostError as error:
            cause = f"could not {error.tried}: {error.answer}"
            return HostReport(connection=works, trouble=Fact("unknown", "error", cause, error.fix))
    kernels = dict(zip(host.wanted, location.kernels, strict=True))
    return HostReport(connection=works, location=location, kernels=kernels)


def _refused(host: HostToCheck, error: HostError) -> Fact:
    if isinstance(error, (AuthenticationError, UnknownHostKeyError)):
        fix = f"Run `sshpyk login {host.login}`."
        return Fact("needs a login", "error", _said(host, error), fix)
    return Fact("failed", "error", _said(host, error), error.fix)


def _said(host: HostToCheck, error: HostError) -> str:
    """Give what came back, and from whom if that is a host on the way."""
    on_the_way = error.host != host.target.alias
    return f"{error.host}: {error.answer}" if on_the_way else error.answer


async def _diagnosis(target: Target, limit: float, known: str) -> tuple[Finding, ...]:
    """Give what the transport finds wrong besides what is known already."""
    try:
        found = await asyncio.wait_for(transport_for(target).diagnose(target), limit)
    except (asyncio.TimeoutError, SshpykError):
        return ()
    wrong = [each for each in found if each.level in ("warning", "error")]
    return tuple(each for each in wrong if known not in each.cause)
