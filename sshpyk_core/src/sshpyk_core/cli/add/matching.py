"""Which of a host's kernels the flags of ``sshpyk add`` mean."""

from __future__ import annotations

import os.path
from collections.abc import Sequence

from sshpyk_core.cli.add.request import AUTO, Request
from sshpyk_core.errors import RemotePythonError
from sshpyk_core.survey import Interpreter, Problem, RemoteKernel, Survey

__all__ = ["at_home", "lacking", "matching", "meant", "of_no_use"]

ELSEWHERE = "kernel_provisioner"
"""In the metadata of a kernel spec that starts its kernel by other means than its command."""


def matching(survey: Survey, request: Request) -> list[RemoteKernel]:
    """Give the kernels that the flags leave, in the order in which the host tells them.

    Raises:
        RemotePythonError: the interpreter that the flags name is of no use.
    """
    kernels = [each for each in survey.kernels if ELSEWHERE not in each.metadata]
    if request.python is not None:
        kernels = _of_interpreter(kernels, survey, request)
    if request.remote_name is not None:
        kernels = [each for each in kernels if each.name.lower() == request.remote_name]
    return kernels


def of_no_use(survey: Survey) -> list[Problem]:
    """Give what is on the host and cannot be added, and why."""
    broken = [
        Problem(each.executable, each.problem) for each in survey.interpreters if each.problem
    ]
    why = "it starts its kernel elsewhere: add it from this machine, if you can"
    elsewhere = [
        Problem(each.resource_dir, why) for each in survey.kernels if ELSEWHERE in each.metadata
    ]
    return [*survey.problems, *broken, *elsewhere]


def lacking(survey: Survey, request: Request) -> list[Interpreter]:
    """Give the interpreters without ipykernel among those that the flags leave."""
    among: Sequence[Interpreter] = survey.interpreters
    if request.python is not None:
        interpreter = meant(survey, request.python)
        among = [interpreter] if interpreter is not None else []
    return [each for each in among if each.ipykernel is None and not each.problem]


def meant(survey: Survey, python: str) -> Interpreter | None:
    """Give the interpreter that a value of ``remote_python`` means on this host."""
    path = at_home(survey, python)
    every = survey.interpreters
    if "/" not in path:
        named = [each for each in every if each.kind == "named"]
        found = [each for each in named if os.path.basename(each.executable) == path]
        found += [each for each in every if each.executable == survey.system.login_python]
    else:
        # The same environment by another of its names, too: bin/python3 for bin/python.
        folder = os.path.dirname(path)
        inside = [each for each in every if each.environment]
        found = [each for each in every if each.executable == path]
        found += [each for each in inside if os.path.dirname(each.executable) == folder]
    return next(iter(found), None)


def at_home(survey: Survey, path: str) -> str:
    """Give a path with the home directory of the host in it."""
    return survey.system.home + path[1:] if path.startswith("~/") else path


def _of_interpreter(
    kernels: list[RemoteKernel], survey: Survey, request: Request
) -> list[RemoteKernel]:
    """Leave the kernels of one environment; by name also those that every interpreter has."""
    assert request.python is not None
    interpreter = meant(survey, request.python)
    if interpreter is None or interpreter.problem:
        said = interpreter.problem if interpreter and interpreter.problem else "it is not there"
        fix = f"See what there is: {request.command} --dry-run"
        raise RemotePythonError(request.alias, f"use {request.python}", said, fix)
    shared = request.remote_name is not None or request.python == AUTO
    allowed = {interpreter.executable, *([AUTO] if shared else [])}
    return [each for each in kernels if each.python in allowed]
