"""From a command that starts an ipykernel to the interpreter that it means."""

from __future__ import annotations

import re
import shlex

from sshpyk_core.cli.importing.translation import NotImportable

__all__ = ["CONNECTION_FILE", "interpreter"]

CONNECTION_FILE = "{host_connection_file}"
"""What stands in the command for the connection file."""

_VERBS = {
    "python": (["-m", "ipykernel"], ["-m", "ipykernel_launcher"], ["-m", "IPython", "kernel"]),
    "ipython": (["kernel"],),
}


def interpreter(command: str, *, prepared: bool) -> str:
    """Give the ``remote_python`` whose ``python3`` kernel a shell command starts.

    Args:
        command: for the login shell on the host.
        prepared: whether the shell runs something else before it.

    Raises:
        NotImportable: it starts another kernel, or gives it arguments of its own.
    """
    program, *arguments = _words(command)
    folder, slash, name = program.rpartition("/")
    if not (match := re.fullmatch(r"(i?python)(3(\.\d+)?)?", name)):
        raise NotImportable(f"{program!r:.200} is not known to start a Python 3 kernel.")
    for verb in _VERBS[match[1]]:
        if arguments[: len(verb)] == verb:
            rest = arguments[len(verb) :]
            break
    else:
        raise NotImportable(f"the command {command!r:.200} is not known to start a kernel.")
    if rest not in (["-f", CONNECTION_FILE], [f"-f={CONNECTION_FILE}"], [f"--f={CONNECTION_FILE}"]):
        raise NotImportable(f"the command {command!r:.200} gives the kernel arguments of its own.")
    if not slash:
        return _by_name(name, match[1], prepared=prepared)
    if not program.startswith(("/", "~/")):
        raise NotImportable(f"{program!r:.200} is a relative path.")
    return program if match[1] == "python" else f"{folder}/python3"


def _by_name(name: str, kind: str, *, prepared: bool) -> str:
    """Give what a program's name on PATH means."""
    if prepared:
        raise NotImportable(
            f"its precmd decides which program {name} is, and sshpyk looks for the interpreter "
            "before that."
        )
    return name if kind == "python" else "auto"


def _words(command: str) -> list[str]:
    """Take a command apart, as the shell would."""
    if re.search(r"[$`;&|<>()*?!#\n\\]|[{}]", command.replace(CONNECTION_FILE, "")):
        raise NotImportable(f"the command {command!r:.200} holds shell syntax.")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise NotImportable(f"the command {command!r:.200} cannot be read: {error}.") from error
    if not words:
        raise NotImportable("the command is empty.")
    return words
