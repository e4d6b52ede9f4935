"""What a translation of another tool's kernel spec gives, or why there is none."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

__all__ = [
    "NotImportable",
    "StrictParser",
    "Translation",
    "arguments_of",
    "connection_file_only",
    "remote_path",
]


@dataclass(frozen=True)
class Translation:
    """The same kernel in our words.

    Attributes:
        stanza: the ``config`` of our provisioner.
        notes: sentences about what has no meaning for us.
    """

    stanza: dict[str, Any]
    notes: tuple[str, ...] = field(default=())


class NotImportable(Exception):  # noqa: N818 - it is no error: it is told, and the rest goes on
    """Why a kernel spec has no translation, as a sentence."""


class StrictParser(argparse.ArgumentParser):
    """Reads the arguments of another tool as it would itself, but guesses nothing."""

    def __init__(self) -> None:
        """Know no option yet, not even ``--help``."""
        super().__init__(add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Refuse arguments that the tool would not take, or that we do not know."""
        raise NotImportable(f"its arguments cannot be read: {message}.")


def arguments_of(argv: object, module: str) -> list[str] | None:
    """Give what follows ``-m MODULE`` in a kernel spec's argv; None when it runs something else."""
    if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
        return None
    for at in range(1, len(argv) - 1):
        if argv[at : at + 2] == ["-m", module]:
            return list(argv[at + 2 :])
    return None


def remote_path(path: str, what: str) -> str:
    """Give a path that the other tool left to the login shell, which starts at home.

    Raises:
        NotImportable: the shell would have made something else of it.
    """
    if not re.fullmatch(r"[\w./+@%,:=-]+|~(/[\w./+@%,:=-]*)?", path) or path.startswith("-"):
        raise NotImportable(f"its {what} {path!r:.200} holds shell syntax.")
    if path.startswith(("/", "~/")):
        return path
    return "~/" if path == "~" else f"~/{path}"


def connection_file_only(word: str) -> None:
    """Refuse a kernel spec that takes its connection file from somebody else than Jupyter.

    Raises:
        NotImportable: it does not.
    """
    if word != "{connection_file}":
        raise NotImportable("it does not take its {connection_file} from Jupyter.")
