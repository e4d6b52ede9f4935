"""Writes the kernel specs that were chosen: what can go wrong is looked at before the first."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sshpyk_core.cli.add.candidates import Candidate
from sshpyk_core.cli.add.request import Folder, Request
from sshpyk_core.errors import LocalSpecError
from sshpyk_core.kernelspecs import LocalSpec, find_all, find_in, install

__all__ = ["Written", "check", "known_in", "write"]


@dataclass(frozen=True)
class Written:
    """What became of one chosen kernel.

    Attributes:
        candidate: what was to be written.
        spec: the kernel spec that leads there now.
        new: whether it was written just now.
    """

    candidate: Candidate
    spec: LocalSpec
    new: bool


def known_in(folder: Folder) -> list[LocalSpec]:
    """Read the kernel specs that count as there already.

    Raises:
        LocalSpecError: Jupyter does not say where they are.
    """
    inside = find_in(folder.path)
    names = {each.name for each in inside}
    others = find_all() if folder.usual else []
    return [*inside, *(each for each in others if each.name not in names)]


def check(chosen: Sequence[Candidate], request: Request) -> None:
    """Make sure that all names can be had, as long as nothing is written yet.

    Raises:
        LocalSpecError: with all that is in the way.
    """
    if len(chosen) > 1 and (request.kernel_name or request.wanted.display_name):
        found = "".join(
            f"\n  --remote-python {shlex.quote(each.config.remote_python)} "
            f"--remote-kernel-name {shlex.quote(each.config.remote_kernel_name)}"
            for each in chosen
        )
        raise LocalSpecError(
            "--kernel-name and --display-name are for one kernel, and these were found. "
            f"Say which:{found}"
        )
    times = Counter(each.name for each in chosen)
    problems = [f"{name} would be the name of {n} kernels." for name, n in times.items() if n > 1]
    for each in chosen:
        if each.obstacle and not (request.choices.replace and each.replaceable):
            problems.append(each.obstacle)
    if problems:
        raise LocalSpecError("\n".join(["Nothing was added:", *problems]))


def write(chosen: Sequence[Candidate], request: Request) -> list[Written]:
    """Write them, one after the other.

    Raises:
        LocalSpecError: one could not be written; with the names of those that were.
    """
    written: list[Written] = []
    for each in chosen:
        replace = request.choices.replace
        if each.state == "already there" and each.taken_by is not None and not replace:
            written.append(Written(each, each.taken_by, new=False))
            continue
        try:
            spec = install(
                request.folder.path, each.name, each.content, each.logos, replace=replace
            )
        except LocalSpecError as error:
            done = [one.spec.name for one in written if one.new]
            before = f"Added before that: {', '.join(done)}." if done else "Nothing was added."
            raise LocalSpecError(f"{error}\n{before}") from error
        written.append(Written(each, spec, new=True))
    return written
