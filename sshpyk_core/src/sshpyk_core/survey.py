"""What a host has that kernels can run on: interpreters, kernel specs and their logos."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sshpyk_core.answers import Reader, answer_to
from sshpyk_core.link.link import Link

__all__ = ["Interpreter", "Problem", "RemoteKernel", "Survey", "System", "resources", "survey"]

PATIENCE = 40.0
"""Seconds for an answer: the host gives up before."""

LOGOS = ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg")
"""The files of a kernel spec that are taken from a host: others would be its code in a browser."""

MOST_LOGO = 512 * 1024
"""Bytes of one of them."""

INTERRUPT_MODES = ("signal", "message")


@dataclass(frozen=True)
class System:
    """The host itself.

    Attributes:
        system: of uname, such as ``Linux``; likewise release, machine and host.
        user: the login's name.
        home: its home directory.
        shell: its login shell.
        login_python: the interpreter that ``auto`` means first, None where there is none.
    """

    system: str
    release: str
    machine: str
    host: str
    user: str
    home: str
    shell: str
    login_python: str | None


@dataclass(frozen=True)
class Interpreter:
    """One Python of the host.

    Attributes:
        executable: its path, or what was asked for and is not there.
        kind: conda, venv, virtualenvwrapper, pyenv, uv, pixi, poetry, pipenv, system or named.
        environment: a short name for people, "" for the system.
        prefix: its ``sys.prefix``; what is known of it where it cannot run.
        version: such as ``3.11.4``, "" where it cannot run.
        ipykernel: version of ipykernel, "" when that is not known, None without it.
        writable: whether the user may install packages there.
        install: argument list of a command that installs ipykernel there, None without one.
        problem: why it cannot be used, None if it can.
    """

    executable: str
    kind: str
    environment: str
    prefix: str
    version: str
    ipykernel: str | None
    writable: bool
    install: tuple[str, ...] | None
    problem: str | None


@dataclass(frozen=True)
class RemoteKernel:
    """One kernel of the host.

    Attributes:
        name: of its kernel spec there.
        python: what ``remote_python`` has to be for exactly this kernel: a path, or ``auto``.
        environment: a short name for people, "" for kernels of the user and the system.
        display_name: as its spec says, made printable; likewise language.
        language: may be empty.
        interrupt_mode: ``signal`` or ``message``.
        metadata: of its spec, as it is there.
        resource_dir: the directory of its spec.
        argv: its command, with templates.
        resources: the logos that there are.
    """

    name: str
    python: str
    environment: str
    display_name: str
    language: str
    interrupt_mode: str
    metadata: Mapping[str, Any]
    resource_dir: str
    argv: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """Something on the host that is of no use as it is; both texts are printable."""

    path: str
    cause: str


@dataclass(frozen=True)
class Survey:
    """All that was found; ``cut_short`` tells that there is more."""

    system: System
    interpreters: tuple[Interpreter, ...]
    kernels: tuple[RemoteKernel, ...]
    problems: tuple[Problem, ...]
    cut_short: bool


async def survey(link: Link, pythons: Sequence[str] = ()) -> Survey:
    """Find out what a host has.

    Args:
        link: to it; no channel but the link's is used.
        pythons: interpreters to look at besides: absolute paths, from ``~/``, or names on the PATH.

    Raises:
        HostError: see :func:`.answers.answer_to`.
    """
    tried = "find out which kernels there are"
    answer = await answer_to(link, tried, "survey", PATIENCE, pythons=list(pythons))
    return Survey(
        system=_system(answer["system"]),
        interpreters=answer["interpreters"].each(_interpreter),
        kernels=answer["kernels"].each(_kernel),
        problems=answer["problems"].each(_problem),
        cut_short=answer["cut_short"].flag(),
    )


async def resources(link: Link, directories: Sequence[str]) -> Mapping[str, Mapping[str, bytes]]:
    """Fetch the logos of kernel specs; those that are too large are left out.

    Args:
        link: to the host.
        directories: ``resource_dir`` of each.

    Returns:
        By directory and name of the file, what it holds; only what was asked for.

    Raises:
        HostError: see :func:`.answers.answer_to`.
    """
    wanted = list(dict.fromkeys(directories))
    tried = "fetch the kernels' logos"
    answer = await answer_to(link, tried, "resources", PATIENCE, directories=wanted)
    found: dict[str, dict[str, bytes]] = {}
    for directory, files in answer["files"].items():
        if directory in wanted:
            found[directory] = {
                name: _content(content) for name, content in files.items() if name in LOGOS
            }
    return found


def _content(reader: Reader) -> bytes:
    most = 4 * MOST_LOGO // 3 + 4
    if not isinstance(reader.value, str) or len(reader.value) > most:
        raise reader.wrong(f"base64 of at most {MOST_LOGO} bytes")
    try:
        return base64.b64decode(reader.value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise reader.wrong("base64") from error


def _system(reader: Reader) -> System:
    return System(
        system=reader["system"].text(),
        release=reader["release"].text(),
        machine=reader["machine"].text(),
        host=reader["host"].text(),
        user=reader["user"].text(),
        home=reader["home"].plain(),
        shell=reader["shell"].text(),
        login_python=reader["login_python"].maybe(Reader.plain),
    )


def _interpreter(reader: Reader) -> Interpreter:
    return Interpreter(
        executable=reader["executable"].plain(),
        kind=reader["kind"].text(),
        environment=reader["environment"].text(),
        prefix=reader["prefix"].plain(),
        version=reader["version"].text(),
        ipykernel=reader["ipykernel"].maybe(Reader.text),
        writable=reader["writable"].flag(),
        install=reader["install"].maybe(lambda words: words.each(Reader.plain)),
        problem=reader["problem"].maybe(Reader.text),
    )


def _kernel(reader: Reader) -> RemoteKernel:
    mode = reader["interrupt_mode"]
    if mode.value not in INTERRUPT_MODES:
        raise mode.wrong(" or ".join(INTERRUPT_MODES))
    return RemoteKernel(
        name=reader["name"].plain(),
        python=reader["python"].plain(),
        environment=reader["environment"].text(),
        display_name=reader["display_name"].text(),
        language=reader["language"].text(),
        interrupt_mode=mode.plain(),
        metadata=reader["metadata"].document(),
        resource_dir=reader["resource_dir"].plain(),
        argv=reader["argv"].each(Reader.text),
        resources=tuple(name for name in reader["resources"].each(Reader.text) if name in LOGOS),
    )


def _problem(reader: Reader) -> Problem:
    return Problem(reader["path"].text(), reader["cause"].text())
