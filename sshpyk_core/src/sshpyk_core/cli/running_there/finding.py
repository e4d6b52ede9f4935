"""Which kernel an ID of the command line means, over all hosts or on one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sshpyk_core.cli.running_there.asking import HostAnswer, asking_live
from sshpyk_core.cli.running_there.flags import Looking
from sshpyk_core.cli.running_there.ids import WantedId, short_ids
from sshpyk_core.cli.running_there.where import where
from sshpyk_core.cli.target_flags import TargetFlags
from sshpyk_core.errors import SshpykError
from sshpyk_core.running_kernels import RunningKernel
from sshpyk_core.visiting import Visit

__all__ = ["Found", "KernelNotFoundError", "chosen", "finding", "merged"]


class KernelNotFoundError(SshpykError):
    """An ID means no kernel, or more than one."""


@dataclass(frozen=True)
class Found:
    """A kernel, and the host that told of it.

    Attributes:
        answer: of the host.
        kernel: the kernel.
        id: as short as it may be among all that were found.
    """

    answer: HostAnswer
    kernel: RunningKernel
    id: str

    @property
    def visit(self) -> Visit:
        """The connection to the host."""
        assert self.answer.visit is not None
        return self.answer.visit

    def __str__(self) -> str:
        """As a message names it."""
        return f"{self.kernel.kernel or 'kernel'} {self.id} on {self.answer.label}"


def merged(answers: Sequence[HostAnswer]) -> list[Found]:
    """Give each kernel once: machines that share a home directory all tell of it.

    The one on which it runs is believed first, then one that its supervisor answers.
    """
    best: dict[str, tuple[HostAnswer, RunningKernel]] = {}
    for answer in answers:
        for kernel in answer.running.kernels if answer.running else ():
            known = best.get(kernel.name)
            if known is None or _trust(kernel) > _trust(known[1]):
                best[kernel.name] = (answer, kernel)
    ids = short_ids(best)
    return [Found(answer, kernel, ids[name]) for name, (answer, kernel) in best.items()]


def _trust(kernel: RunningKernel) -> tuple[bool, bool]:
    return not kernel.elsewhere, kernel.answers


@asynccontextmanager
async def finding(ids: Sequence[WantedId], looking: Looking) -> AsyncIterator[list[Found]]:
    """Find kernels, and stay connected to their hosts, and to no other, meanwhile.

    Args:
        ids: their IDs.
        looking: where and how.

    Raises:
        KernelNotFoundError: an ID means none, or more than one.
        ConfigError: there is no host to ask.
    """
    wanted, flags = looking.on_host(ids), looking.flags
    words = [each.host for each in wanted]
    async with asking_live(where(words, flags), looking.limit) as answers:
        every = merged(answers)
        found = {
            each.kernel.name: each for each in (chosen(w, every, answers, flags) for w in wanted)
        }
        for answer in answers:
            if not any(each.answer is answer for each in found.values()):
                answer.leave()
        yield list(found.values())


def chosen(
    wanted: WantedId, every: list[Found], answers: Sequence[HostAnswer], flags: TargetFlags
) -> Found:
    """Give the one kernel that an ID means.

    Args:
        wanted: the ID.
        every: all kernels that were found.
        answers: those of the hosts, which say why some could not be asked.
        flags: how hosts are reached.

    Raises:
        KernelNotFoundError: it means none, or more than one.
    """
    fits = [each for each in every if each.kernel.name.startswith(wanted.prefix)]
    if wanted.host:
        targets = [each.target for each in where([wanted.host], flags)]
        fits = [each for each in fits if each.answer.destination.target in targets]
    if len(fits) == 1:
        return fits[0]
    if fits:
        listed = "\n".join(f"  {each}" for each in fits)
        raise KernelNotFoundError(f"{wanted} may be any of these; give more of it:\n{listed}")
    said = [f"no kernel with the ID {wanted} was found; `sshpyk ps` shows those that there are"]
    said += [f"{each.error}" for each in answers if each.error]
    raise KernelNotFoundError("\n".join(said))
