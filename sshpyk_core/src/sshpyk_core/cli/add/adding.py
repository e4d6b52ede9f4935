"""The course of ``sshpyk add``: look at the host, choose, write; what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from sshpyk_core.cli.add.candidates import Candidate, candidates, unchecked
from sshpyk_core.cli.add.installing import by_hand, called, over_ssh
from sshpyk_core.cli.add.matching import lacking, of_no_use
from sshpyk_core.cli.add.picking import pick
from sshpyk_core.cli.add.request import Request
from sshpyk_core.cli.add.visit import Seen, look, look_unasked
from sshpyk_core.cli.add.writing import Written, check, known_in, write
from sshpyk_core.cli.page import Page
from sshpyk_core.cli.running import run
from sshpyk_core.cli.status import LiveStatus
from sshpyk_core.errors import HostError, KernelSpecNotFoundError
from sshpyk_core.kernelspecs import LocalSpec
from sshpyk_core.survey import Interpreter, Problem

__all__ = ["Lacking", "Outcome", "add"]


@dataclass(frozen=True)
class Lacking:
    """An interpreter of the host without ipykernel.

    Attributes:
        interpreter: which.
        command: what installs it, for the user's shell here; empty when there is no way.
    """

    interpreter: Interpreter
    command: str


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        request: what was wanted.
        candidates: all that could be added.
        written: what became of those that were chosen; nothing when it was only tried.
        lacking: interpreters of the host that have no kernel for want of ipykernel.
        problems: what else is there and of no use.
        unchecked: why nobody knows whether the kernel is there; empty when it is.
        cut_short: the host has more than was looked at.
    """

    request: Request
    candidates: tuple[Candidate, ...]
    written: tuple[Written, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    problems: tuple[Problem, ...] = ()
    unchecked: str = ""
    cut_short: bool = False


def add(request: Request) -> Outcome:
    """Do all of it.

    Raises:
        HostError: what failed on the host, or that it has nothing to add.
        LocalSpecError: what failed here; with what was written before, if anything was.
    """
    here = known_in(request.folder)
    all_said = request.complete and not request.choices.install
    with LiveStatus(f"Connecting to {request.alias}") as status:
        seen = run(look_unasked(request, status)) if all_said else run(look(request, status))
    if isinstance(seen, HostError):
        return _add_unchecked(request, here, str(seen))
    if not seen.kernels and all_said:
        return _add_unchecked(request, here, str(_nothing(seen, request)))
    if not seen.kernels:
        raise _nothing(seen, request)
    return _add_seen(request, here, seen)


def _add_seen(request: Request, here: Sequence[LocalSpec], seen: Seen) -> Outcome:
    drafted = candidates(seen.survey, seen.kernels, seen.logos, request, here)
    chosen = _chosen(drafted.candidates, request)
    missing = [
        Lacking(each, by_hand(request, each))
        for each in lacking(seen.survey, request)
        if request.remote_name is None
    ]
    return Outcome(
        request,
        drafted.candidates,
        _written(chosen, request),
        tuple(missing),
        (*drafted.problems, *of_no_use(seen.survey)),
        cut_short=seen.survey.cut_short,
    )


def _add_unchecked(request: Request, here: Sequence[LocalSpec], why: str) -> Outcome:
    candidate = unchecked(request, here)
    return Outcome(request, (candidate,), _written([candidate], request), unchecked=why)


def _written(chosen: Sequence[Candidate], request: Request) -> tuple[Written, ...]:
    if request.choices.dry_run:
        return ()
    check(chosen, request)
    return tuple(write(chosen, request))


def _chosen(found: Sequence[Candidate], request: Request) -> Sequence[Candidate]:
    """Choose as the flags say; ask when they leave something open and there is somebody."""
    choices = request.choices
    told = choices.every or choices.dry_run or request.remote_name is not None
    only = request.python is not None and len(found) == 1
    nothing_new = all(each.state == "already there" for each in found) and not choices.replace
    if told or only or nothing_new or not choices.may_ask:
        return found
    return pick(Page(), found, request)


def _nothing(seen: Seen, request: Request) -> KernelSpecNotFoundError:
    """Say that the host has nothing to add, and what to install."""
    named = request.remote_name
    of = f" of {request.python}" if request.python else ""
    others = sorted({each.name for each in seen.survey.kernels})
    if named is not None and others:
        said = f"there is no kernel {named}{of}; there are: {', '.join(others[:20])}"
        fix = f"See all of them: {request.command} --dry-run"
        return KernelSpecNotFoundError(request.alias, "find the kernel", said, fix)
    missing = [each for each in lacking(seen.survey, request) if each.install]
    flag = f" --remote-python {shlex.quote(missing[0].executable)}" if missing else ""
    lines = ["Install ipykernel, and add again:"]
    lines += [f"  {called(each)}\n    {by_hand(request, each)}" for each in missing[:5]]
    lines += [f"or have it done: {request.command} --install-ipykernel{flag}"]
    if not missing:
        make = "python3 -m venv ~/.venvs/work && ~/.venvs/work/bin/pip install ipykernel"
        lines = ["Make an environment there and install ipykernel into it, such as:"]
        lines += [f"  {over_ssh(request, make)}"]
    said = f"the host has no kernel{of}"
    return KernelSpecNotFoundError(request.alias, "find a kernel", said, "\n".join(lines))
