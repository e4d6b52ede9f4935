"""Kernel specs of ssh_ipykernel: ``PYTHON -m ssh_ipykernel --host HOST --python PREFIX ...``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from sshpyk_core.cli.importing.translation import (
    NotImportable,
    StrictParser,
    Translation,
    arguments_of,
    connection_file_only,
    remote_path,
)
from sshpyk_core.config import KEYS

__all__ = ["NAME", "translated"]

NAME = "ssh_ipykernel"

_LAUNCH_TIMEOUT = next(key.default for key in KEYS if key.name == "launch_timeout")


def translated(content: Mapping[str, Any]) -> Translation | None:
    """Give what a kernel.json of ssh_ipykernel means for us; None when it is not one.

    Raises:
        NotImportable: it is one that we cannot run.
    """
    arguments = arguments_of(content.get("argv"), "ssh_ipykernel")
    if arguments is None:
        return None
    said = _parser().parse_args(arguments)
    if said.sudo:
        raise NotImportable("it runs its kernel as root with sudo, which sshpyk does not.")
    connection_file_only(said.file)
    stanza: dict[str, Any] = {
        "ssh_host_alias": said.host,
        "remote_python": _interpreter(said.python),
        "remote_kernel_name": "python3",
    }
    notes = []
    # Theirs was for each remote command, 5 s mostly: too little for a whole start.
    if said.timeout is not None and said.timeout > _LAUNCH_TIMEOUT:
        stanza["launch_timeout"] = said.timeout
    elif said.timeout is not None:
        notes.append(f"--timeout {said.timeout} is dropped: a start may take {_LAUNCH_TIMEOUT} s.")
    if variables := _variables(said.env or []):
        stanza["env"] = variables
    if said.session or said.echo:
        notes.append("--session and --echo are dropped: they were about ssh_ipykernel itself.")
    return Translation(stanza, tuple(notes))


def _parser() -> StrictParser:
    parser = StrictParser()
    parser.add_argument("--file", "-f", required=True)
    parser.add_argument("--host", "-H", required=True)
    parser.add_argument("--python", "-p", required=True)
    parser.add_argument("--timeout", "-t", type=int)
    parser.add_argument("--env", "-e", nargs="*")
    parser.add_argument("--sudo", "-s", action="store_true")
    parser.add_argument("--session", action="store_true")
    parser.add_argument("--echo", action="store_true")
    return parser


def _interpreter(python: str) -> str:
    """Give the interpreter in an environment, which theirs looked for in its ``bin``."""
    path = remote_path(python, "--python").rstrip("/")
    if re.search(r"/bin/python[\d.]*$", path):
        return path
    return f"{path}/bin/python"


def _variables(texts: Sequence[str]) -> dict[str, str]:
    """Take the words before a shell command apart: ``A=b C='d e'``.

    Raises:
        NotImportable: they hold more shell syntax than quotes and plain variables.
    """
    text = " ".join(texts)
    if re.search(r"[`;&|<>()\\\n]|[=:]~|\$(?!\w|\{\w+\})", text) or ("$" in text and "'" in text):
        raise NotImportable("its --env holds shell syntax.")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise NotImportable(f"its --env cannot be read: {error}.") from error
    variables = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise NotImportable("its --env does not consist of NAME=VALUE.")
        variables[name] = re.sub(r"\$(\w+)", r"${\1}", value)
    return variables
