"""Asks a host what a launch would find there for each of some kernels; starts nothing.

The far half is :mod:`~sshpyk_core.remote.locating`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sshpyk_core.answers import Reader, answer_to
from sshpyk_core.config import KernelConfig
from sshpyk_core.link.link import Link

__all__ = ["Located", "Location", "NotLocated", "Wanted", "locate"]

PATIENCE = 60.0
"""Seconds for an answer: the host gives up before."""


@dataclass(frozen=True)
class Wanted:
    """A kernel as a launch would ask for it.

    Attributes:
        name: of the kernel spec on the host.
        python: the interpreter, or ``auto``.
        pythonhome: PYTHONHOME for that.
        env: variables for the kernel.
    """

    name: str
    python: str = "auto"
    pythonhome: str | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, config: KernelConfig) -> Wanted:
        """Give what a kernel spec asks for."""
        return cls(
            config.remote_kernel_name, config.remote_python, config.remote_pythonhome, config.env
        )


@dataclass(frozen=True)
class Located:
    """A kernel that a launch would find.

    Attributes:
        name: of its kernel spec on the host.
        python: the interpreter that has it.
        display_name, language, interrupt_mode: as that kernel spec says.
        resource_dir: where that lies.
        argv: what would be executed; only the connection file's name is not filled in.
    """

    name: str
    python: str
    display_name: str
    language: str
    interrupt_mode: str
    resource_dir: str
    argv: tuple[str, ...]


@dataclass(frozen=True)
class NotLocated:
    """A kernel that a launch would not find, or could not run.

    Attributes:
        kind: ``python``; or the kind of a :class:`~sshpyk_core.remote.specfile.KernelSpecError`.
        cause: as one sentence.
        python: the interpreter that was asked; empty where none can be used.
        available: the kernels that there are.
    """

    kind: str
    cause: str
    python: str = ""
    available: tuple[str, ...] = ()


@dataclass(frozen=True)
class Location:
    """What a host says of itself and of its kernels.

    Attributes:
        system: as ``uname`` would say it, without the host's name.
        host: its own name.
        kernels: what became of each that was asked for, in order.
    """

    system: str
    host: str
    kernels: tuple[Located | NotLocated, ...]


async def locate(link: Link, wanted: Sequence[Wanted]) -> Location:
    """Ask for kernels, all at once.

    Raises:
        HostError: see :func:`.answers.answer_to`.
    """
    asked = [
        {"name": each.name, "python": each.python, "pythonhome": each.pythonhome}
        | {"env": dict(each.env)}
        for each in wanted
    ]
    answer = await answer_to(link, "look for kernels", "locate", PATIENCE, kernels=asked)
    kernels = answer["kernels"].each(_read)
    if len(kernels) != len(wanted):
        raise answer["kernels"].wrong(f"a list of {len(wanted)}")
    system = answer["system"]
    words = [system[key].text() for key in ("system", "release", "machine")]
    return Location(" ".join(words), system["host"].text(), kernels)


def _read(reader: Reader) -> Located | NotLocated:
    error = reader["error"]
    if error.value is not None:
        return NotLocated(
            kind=error["kind"].text(),
            cause=error["message"].text(),
            python=error["python"].text(),
            available=error["available"].each(Reader.text),
        )
    return Located(
        name=reader["name"].text(),
        python=reader["python"].text(),
        display_name=reader["display_name"].text(),
        language=reader["language"].text(),
        interrupt_mode=reader["interrupt_mode"].text(),
        resource_dir=reader["resource_dir"].text(),
        argv=reader["argv"].each(Reader.text),
    )
