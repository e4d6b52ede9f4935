"""One kernel spec as a file: ``kernel.json`` read and checked.

The format is that of Jupyter's kernel spec documentation.
"""

import json
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

MOST_BYTES = 1024 * 1024
"""A larger file is no kernel spec."""

INTERRUPT_MODES = ("signal", "message")


class KernelSpecError(Exception):
    """A kernel spec cannot be found, read or run.

    Attributes:
        kind: ``name``, ``missing``, ``broken`` or ``program``.
        available: for ``missing``, the names that there are.
    """

    def __init__(self, kind: str, message: str, available: Tuple[str, ...] = ()) -> None:
        """Keep the kind for programs; the message is for people."""
        super().__init__(message)
        self.kind = kind
        self.available = available


class KernelSpec(NamedTuple):
    """One kernel spec of this host, checked.

    Attributes:
        name: the name of its directory, in lower case.
        resource_dir: that directory.
        argv: the command with its templates, never empty.
        env: what it adds to the environment, with its templates.
        display_name: for people.
        language: of the kernel; may be empty.
        interrupt_mode: ``signal`` or ``message``.
        metadata: as it stands there.
    """

    name: str
    resource_dir: str
    argv: List[str]
    env: Dict[str, str]
    display_name: str
    language: str
    interrupt_mode: str
    metadata: Dict[str, Any]


def read(name: str, resource_dir: str) -> KernelSpec:
    """Read and check one kernel spec.

    Args:
        name: under which it was found.
        resource_dir: the directory that holds ``kernel.json``.

    Raises:
        KernelSpecError: ``broken``, naming the file and what is wrong with it.
    """
    path = os.path.join(resource_dir, "kernel.json")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError("it is larger than %d bytes" % MOST_BYTES)
        content = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise KernelSpecError("broken", "%s cannot be read: %s" % (path, error)) from error
    problems = list(_problems(content))
    if problems:
        raise KernelSpecError("broken", "%s: %s" % (path, "; ".join(problems)))
    return KernelSpec(
        name=name,
        resource_dir=resource_dir,
        argv=content["argv"],
        env=content.get("env", {}),
        display_name=content.get("display_name", name),
        language=content.get("language", ""),
        interrupt_mode=content.get("interrupt_mode", "signal").lower(),
        metadata=content.get("metadata", {}),
    )


def _problems(content: Any) -> Iterator[str]:
    if not isinstance(content, dict):
        yield "not a JSON object"
        return
    argv = content.get("argv")
    if not isinstance(argv, list) or not argv or not all(_is_text(word) for word in argv):
        yield "argv must be a list of strings, and not empty"
    elif not argv[0]:
        yield "argv names no program"
    env = content.get("env", {})
    if not isinstance(env, dict) or not all(_is_text(value) for value in env.values()):
        yield "env must map names to strings"
    elif not all(name and "=" not in name and "\0" not in name for name in env):
        yield "env holds an impossible name"
    for key in ("display_name", "language"):
        if not isinstance(content.get(key, ""), str):
            yield "%s must be a string" % key
    if str(content.get("interrupt_mode", "signal")).lower() not in INTERRUPT_MODES:
        yield "interrupt_mode must be %s" % " or ".join(INTERRUPT_MODES)
    if not isinstance(content.get("metadata", {}), dict):
        yield "metadata must be an object"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value
