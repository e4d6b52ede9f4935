"""Which running kernel a NAME or an ID means, for a program that is to hold it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click

from sshpyk_core.cli.destinations import destination
from sshpyk_core.cli.running_there.asking import HostAnswer, asking_live
from sshpyk_core.cli.running_there.finding import Found, KernelNotFoundError, finding, merged
from sshpyk_core.cli.running_there.flags import Looking
from sshpyk_core.cli.running_there.ids import wanted_id
from sshpyk_core.config import KernelConfig
from sshpyk_core.kernelspecs import LocalSpec, look_up

__all__ = ["Joinable", "find_joinable"]


@dataclass(frozen=True)
class Joinable:
    """A kernel that runs.

    Attributes:
        config: leads to it.
        directory: of its supervisor, on the host.
        label: it, with its host, for people.
        id: of the supervisor, as short as it may be; empty where that is not known.
        name: of the kernel spec here that leads to it, else of that on the host.
        file: that has led to it, if one has.
        attached: whether programs hold it already; None where that is not known.
    """

    config: KernelConfig
    directory: str
    label: str
    id: str = ""
    name: str = ""
    file: Path | None = None
    attached: bool | None = None


async def find_joinable(word: str, looking: Looking) -> Joinable:
    """Find the kernel that runs and is meant, and let go of the hosts that were asked.

    Args:
        word: the name of a kernel spec of ours, or the kernel's ID.
        looking: where and how.

    Raises:
        KernelNotFoundError: it means none, or more than one.
        ConfigError: there is no host to ask.
    """
    spec = look_up(word)
    if spec is not None and spec.ours:
        return await _named(spec, looking)
    try:
        wanted = wanted_id(word)
    except click.BadParameter as error:
        said = f"{word!r:.200} is neither a kernel spec of sshpyk nor the ID of a kernel"
        raise KernelNotFoundError(f"{said}; `sshpyk ps` shows those that run") from error
    async with finding([wanted], looking) as (found,):
        # Other kernel specs that lead to that host have wishes of their own.
        config = replace(found.answer.destination.config, forward=())
        return _joinable(found, config, found.kernel.kernel or "")


async def _named(spec: LocalSpec, looking: Looking) -> Joinable:
    where = destination(spec.name, looking.flags)
    wanted = where.config.remote_kernel_name.lower()
    async with asking_live([where], looking.limit) as answers:
        found = [each for each in merged(answers) if _runs(each) and _is(each, wanted)]
        if len(found) != 1:
            raise _not_one(spec, answers, found)
        return _joinable(found[0], where.config, spec.name)


def _runs(found: Found) -> bool:
    return found.kernel.pid is not None and found.kernel.returncode is None


def _is(found: Found, kernel_name: str) -> bool:
    return (found.kernel.kernel or "").lower() == kernel_name


def _not_one(spec: LocalSpec, answers: list[HostAnswer], found: list[Found]) -> KernelNotFoundError:
    if found:
        listed = "\n".join(f"  {each}" for each in found)
        return KernelNotFoundError(f"{spec.name} may be any of these; give its ID:\n{listed}")
    said = [f"{each.error}" for each in answers if each.error]
    if not said:
        label = answers[0].label
        said = [
            f"no kernel of {spec.name} runs on {label}; `sshpyk ps` shows those that run",
            f"Start one: sshpyk-kernel --kernel {spec.name}",
        ]
    return KernelNotFoundError("\n".join(said))


def _joinable(found: Found, config: KernelConfig, name: str) -> Joinable:
    kernel = found.kernel
    if kernel.kernel:
        config = replace(config, remote_kernel_name=kernel.kernel)
    return Joinable(config, kernel.directory, str(found), found.id, name, None, kernel.attached)
