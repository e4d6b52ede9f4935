"""Names of kernels that are added: for Jupyter and its users' scripts, and for people."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from sshpyk_core.survey import Interpreter, RemoteKernel, Survey

__all__ = ["interpreter_of", "kernel_name", "name_in_1x", "names", "titles"]

MOST = 48
"""Characters that one part of a name may have."""

_PLAIN_PYTHON = re.compile(r"Python 3( \(ipykernel\))?|Python \[conda env:.*\]", re.IGNORECASE)
"""What kernels of Python are called by those who do not care."""


def names(host: str, kernels: Sequence[RemoteKernel]) -> list[str]:
    """Give each kernel of a host a name that Jupyter takes and none of the others has.

    It is ``ssh_HOST_ENVIRONMENT_KERNEL``. Those that would have one name in common get a mark
    each, which depends on the kernel alone, so that a name never goes to another kernel.
    """
    plain = [kernel_name(host, kernel.environment, kernel.name) for kernel in kernels]
    times = Counter(plain)
    return [
        name if times[name] == 1 else f"{name}_{_mark(kernel.python, kernel.resource_dir)}"
        for name, kernel in zip(plain, kernels, strict=True)
    ]


def kernel_name(host: str, environment: str, kernel: str) -> str:
    """Give the name of a kernel; without an environment it is the one of sshpyk 1.x."""
    parts = [_part(part) for part in (host, environment, kernel) if part]
    return "_".join(["ssh", *parts])


def name_in_1x(host: str, kernel: str) -> str:
    """Give the name that sshpyk 1.x would have given, in letters that Jupyter takes."""
    return kernel_name(host, "", kernel)


def titles(survey: Survey, kernels: Sequence[RemoteKernel]) -> list[str]:
    """Give each kernel a name for people, such as ``Python 3.11 (work)``; no two are the same."""
    interpreters = [interpreter_of(survey, kernel) for kernel in kernels]
    found = [_title(*pair) for pair in zip(kernels, interpreters, strict=True)]
    marks = (
        [kernel.name for kernel in kernels],
        [each.kind if each else "" for each in interpreters],
        [each.resource_dir if each.python == "auto" else each.python for each in kernels],
    )
    for by in marks:
        found = _told_apart(found, by)
    return found


def interpreter_of(survey: Survey, kernel: RemoteKernel) -> Interpreter | None:
    """Give the interpreter on which a kernel of Python runs, where it is known."""
    if kernel.language.lower() != "python":
        return None
    program = kernel.python
    if program == "auto":
        program = kernel.argv[0] if kernel.argv else ""
        if re.fullmatch(r"python3?", program):
            program = survey.system.login_python or ""
    found = [each for each in survey.interpreters if each.executable == program]
    return found[0] if found else None


def _title(kernel: RemoteKernel, interpreter: Interpreter | None) -> str:
    title = kernel.display_name.strip() or kernel.name
    environment = kernel.environment
    if kernel.language.lower() == "python" and _PLAIN_PYTHON.fullmatch(title):
        title = "Python 3"
        if interpreter is not None and interpreter.version:
            title = "Python " + ".".join(interpreter.version.split(".")[:2])
            environment = environment or interpreter.environment
    if environment and environment.lower() not in title.lower():
        title = f"{title} ({environment})"
    return title


def _told_apart(found: list[str], by: list[str]) -> list[str]:
    """Mark those that are the same, where these marks differ."""
    times = Counter(found)
    both = Counter(zip(found, by, strict=True))
    alike = {title for (title, _), n in both.items() if n > 1}
    return [
        title if times[title] == 1 or title in alike else f"{title} [{more}]"
        for title, more in zip(found, by, strict=True)
    ]


def _part(text: str) -> str:
    """Give a text in the letters that the name of a kernel spec may have."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9._-]+", "-", ascii_only.lower()).strip("-.")
    return plain[:MOST].strip("-.") or _mark(text)


def _mark(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:6]
