"""The kernels that supervisors own on a host, and what a supervisor is told without attaching."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sshpyk_core.answers import Reader, answer_to
from sshpyk_core.errors import RemoteError, SupervisorGoneError
from sshpyk_core.link.link import Link

__all__ = [
    "Ended",
    "LogPart",
    "RunningKernel",
    "RunningKernels",
    "read_log",
    "running_kernel",
    "running_kernels",
    "tell",
]

PATIENCE = 25.0
"""Seconds for an answer: the host gives up before."""

MOST_WAIT = 30.0
"""Seconds that a request may wait on the host for more output."""

MOST_LOG = 256 * 1024
"""Bytes of output in one answer."""


@dataclass(frozen=True)
class RunningKernel:
    """One supervisor and its kernel; times are in seconds since the epoch, by the host's clock.

    What the host does not know, or does not tell, is None.

    Attributes:
        name: the supervisor's, 32 hexadecimal digits.
        directory: the supervisor's, which :func:`tell` takes.
        kernel: name of the kernel spec there.
        owner: the user and the machine that had it started.
        since: when the supervisor began.
        attached: whether a program is connected.
        attached_since: since when one is; None while none is.
        detached_since: since when none is; None while one is.
        ends_at: when the supervisor gives up if none comes; None while one is.
        pid: the kernel's process; None when there is none.
        supervisor_pid: the supervisor's process.
        returncode: how the last process ended, minus a signal's number; None while one runs.
        generation: how often the kernel was started, restarts included.
        session_name: the notebook, as Jupyter calls it; may be empty.
        python: the interpreter whose environment has the kernel.
        spool_memory: bytes of output that wait in memory; spool_disk: likewise on disk.
        spool_disk: see there.
        spool_full: whether the kernel ever had to wait because nobody fetched its output.
        memory: resident bytes of the kernel and what it has started.
        cpu_seconds: processor time of those.
        cpu_percent: the same just now; 100 is one processor.
        answers: whether the supervisor did; if not, the rest is as old as its state file.
        elsewhere: whether it is another machine's that shares the directory.
        host: that machine's name.
    """

    name: str
    directory: str
    kernel: str | None
    owner: str | None
    since: float | None
    attached: bool | None
    attached_since: float | None
    detached_since: float | None
    ends_at: float | None
    pid: int | None
    supervisor_pid: int | None
    returncode: int | None
    generation: int | None
    session_name: str | None
    python: str | None
    spool_memory: int | None
    spool_disk: int | None
    spool_full: bool | None
    memory: int | None
    cpu_seconds: float | None
    cpu_percent: float | None
    answers: bool
    elsewhere: bool
    host: str | None


@dataclass(frozen=True)
class Ended:
    """A supervisor that was found dead: its name, and what became of it, in words."""

    name: str
    words: str


@dataclass(frozen=True)
class RunningKernels:
    """All that was found; ``now`` is the host's clock, in seconds since the epoch."""

    kernels: tuple[RunningKernel, ...]
    ended: tuple[Ended, ...]
    now: float


@dataclass(frozen=True)
class LogPart:
    """A piece of what a kernel wrote to its standard output and error.

    Attributes:
        offset: count of bytes before it, since the supervisor began; more than was asked for where
            the older ones are not kept any more.
        next: the offset to ask for next.
        data: the bytes as the kernel wrote them: not fit for a terminal as they are.
        ended: whether no kernel runs now.
    """

    offset: int
    next: int
    data: bytes
    ended: bool


async def running_kernels(link: Link, directories: Sequence[str] = ()) -> RunningKernels:
    """Find the supervisors on a host; what dead ones have left there is cleared away.

    Args:
        link: to it.
        directories: those that kernel specs name as ``remote_dir``, to look in besides.

    Raises:
        HostError: see :func:`.answers.answer_to`.
    """
    wanted = list(dict.fromkeys(directories))
    tried = "find the kernels that run there"
    answer = await answer_to(link, tried, "supervisors", PATIENCE, directories=wanted)
    return RunningKernels(
        kernels=answer["supervisors"].each(_kernel),
        ended=answer["ended"].each(lambda each: Ended(each["name"].plain(), each["words"].text())),
        now=answer["now"].number(),
    )


async def running_kernel(link: Link, kernel_id: str, remote_dir: str | None) -> RunningKernel:
    """Find the supervisor whose name begins so.

    Args:
        link: to its host.
        kernel_id: its name or the first digits of it, as ``sshpyk ps`` shows them.
        remote_dir: as for :func:`running_kernels`.

    Raises:
        SupervisorGoneError: there is none; it says what became of it where that is known.
        RemoteError: there are several.
        HostError: the host cannot be asked.
    """
    found = await running_kernels(link, [remote_dir] if remote_dir else [])
    fits = [each for each in found.kernels if kernel_id and each.name.startswith(kernel_id)]
    if len(fits) == 1:
        return fits[0]
    tried = f"find the kernel {kernel_id!r:.80}"
    if fits:
        said = "it may be any of " + ", ".join(each.name for each in fits)
        raise RemoteError(link.host, tried, said, "Give more digits.")
    ended = [each.words for each in found.ended if kernel_id and each.name.startswith(kernel_id)]
    said = ended[0] if ended else "no kernel with that ID runs there"
    raise SupervisorGoneError(link.host, tried, said, "`sshpyk ps` shows those that run.")


async def tell(link: Link, directory: str, do: str, **fields: Any) -> Mapping[str, Any]:
    """Give a supervisor one command, without attaching to it.

    Args:
        link: to its host.
        directory: the supervisor's.
        do: ``status``, ``signal``, ``stop``, ``log`` or ``access``.
        fields: what that takes, see ``remote.visit``.

    Returns:
        What it answers, unchecked.

    Raises:
        SupervisorGoneError: it has ended, and its kernel with it.
        SupervisorUnreachableError: it runs, but does not answer.
        HostError: see :func:`.answers.answer_to`.
    """
    return (await _tell(link, directory, do, PATIENCE, **fields)).mapping()


async def read_log(
    link: Link, directory: str, offset: int = 0, wait_seconds: float = 0.0
) -> LogPart:
    """Read what a kernel wrote to its standard output and error.

    Args:
        link: to its host.
        directory: the supervisor's.
        offset: count of bytes that are known already.
        wait_seconds: how long to wait for more where there is none yet, at most 30.

    Raises:
        HostError: see :func:`tell`.
    """
    wait = min(MOST_WAIT, max(0.0, wait_seconds))
    answer = await _tell(link, directory, "log", PATIENCE + wait, offset=offset, wait=wait)
    part = LogPart(
        offset=answer["offset"].integer(),
        next=answer["next"].integer(),
        data=_content(answer["data"]),
        ended=answer["ended"].flag(),
    )
    if not 0 <= part.offset <= part.next == part.offset + len(part.data):
        raise answer["next"].wrong("the offset after the data")
    return part


async def _tell(link: Link, directory: str, do: str, patience: float, **fields: Any) -> Reader:
    tried = f"have the kernel's supervisor do '{do}'"
    command = {**fields, "do": do}
    return await answer_to(link, tried, "tell", patience, directory=directory, command=command)


def _content(reader: Reader) -> bytes:
    if not isinstance(reader.value, str) or len(reader.value) > 4 * MOST_LOG // 3 + 4:
        raise reader.wrong(f"base64 of at most {MOST_LOG} bytes")
    try:
        return base64.b64decode(reader.value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise reader.wrong("base64") from error


def _kernel(reader: Reader) -> RunningKernel:
    return RunningKernel(
        name=reader["name"].plain(),
        directory=reader["directory"].plain(),
        kernel=reader["kernel"].maybe(Reader.text),
        owner=reader["for"].maybe(Reader.text),
        since=reader["since"].maybe(Reader.number),
        attached=reader["attached"].maybe(Reader.flag),
        attached_since=reader["attached_since"].maybe(Reader.number),
        detached_since=reader["detached_since"].maybe(Reader.number),
        ends_at=reader["ends_at"].maybe(Reader.number),
        pid=reader["pid"].maybe(Reader.integer),
        supervisor_pid=reader["supervisor_pid"].maybe(Reader.integer),
        returncode=reader["returncode"].maybe(Reader.integer),
        generation=reader["generation"].maybe(Reader.integer),
        session_name=reader["session_name"].maybe(Reader.text),
        python=reader["python"].maybe(Reader.text),
        spool_memory=reader["spool_memory"].maybe(Reader.integer),
        spool_disk=reader["spool_disk"].maybe(Reader.integer),
        spool_full=reader["spool_full"].maybe(Reader.flag),
        memory=reader["memory"].maybe(Reader.integer),
        cpu_seconds=reader["cpu_seconds"].maybe(Reader.number),
        cpu_percent=reader["cpu_percent"].maybe(Reader.number),
        answers=reader["answers"].flag(),
        elsewhere=reader["elsewhere"].flag(),
        host=reader["host"].maybe(Reader.text),
    )
