"""The kernel specs of a host, against what a kernel spec here wants."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from sshpyk_core.config import KernelConfig
from sshpyk_core.survey import Interpreter, RemoteKernel, Survey
from sshpyk_core.types import Finding

__all__ = ["choose_kernel", "kernel_spec_there", "kernels_there"]

_MOST_NAMES = 12


def kernels_there(survey: Survey, word: str) -> list[Finding]:
    """Say how many kernels a host has; none is an error.

    Args:
        survey: of the host.
        word: what commands call it.
    """
    if survey.kernels:
        count = len(survey.kernels)
        words = f"{count} {'kernel' if count == 1 else 'kernels'}: {_names(survey.kernels)}"
        return [Finding("ok", words)]
    found = [each for each in survey.interpreters if not each.problem]
    cause = f"there is no kernel on the host, and {_pythons(found)}"
    return [Finding("error", cause, f"`sshpyk add {word} --install-ipykernel`")]


def kernel_spec_there(survey: Survey, config: KernelConfig, name: str) -> list[Finding]:
    """Say whether the kernel that a kernel spec here names is on the host.

    Args:
        survey: of the host, with the interpreter that the spec names.
        config: of the kernel spec.
        name: its name here.
    """
    wanted, python = config.remote_kernel_name, config.remote_python
    there = [each for each in survey.kernels if each.name == wanted]
    fitting = [each for each in there if _fits(each, python)]
    if fitting:
        return [Finding("ok", f"{wanted} is {' '.join(fitting[0].argv[:3])} ...")]
    for_python = "" if python == "auto" else f" for {python}"
    names = _names(survey.kernels)
    cause = f"there is no kernel {wanted!r}{for_python}; there are: {names or 'none'}"
    if not survey.kernels:
        return [
            Finding("error", cause, f"`sshpyk add {config.ssh_host_alias} --install-ipykernel`")
        ]
    one = (there or survey.kernels)[0]
    flags = shlex.join(["--remote-kernel-name", one.name, "--remote-python", one.python])
    fix = f"`sshpyk edit {name} {flags}`, or `sshpyk add {config.ssh_host_alias}`"
    return [Finding("warning" if survey.cut_short else "error", cause, fix)]


def choose_kernel(survey: Survey) -> RemoteKernel | None:
    """Choose the kernel to try where none is named: ``python3``, else the first."""
    named = [each for each in survey.kernels if each.name == "python3"]
    return next(iter([*named, *survey.kernels]), None)


def _fits(kernel: RemoteKernel, python: str) -> bool:
    if python == "auto" or kernel.python in ("auto", python):
        return True
    # A path from the home directory, or a name on the PATH.
    return kernel.python.endswith("/" + python.removeprefix("~/"))


def _names(kernels: Sequence[RemoteKernel]) -> str:
    names = list(dict.fromkeys(each.name for each in kernels))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _pythons(found: Sequence[Interpreter]) -> str:
    if not found:
        return "no Python that could run one"
    return f"ipykernel is in none of its {len(found)} Pythons"
