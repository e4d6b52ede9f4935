"""Whether the Jupyter server that a kernel belongs to is stopping, and not the user the kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

__all__ = ["StoppingServer"]

MOST_PARENTS = 20
"""Configurable objects between a kernel manager and its application: there are two."""


class StoppingServer:
    """Looks at the applications that a kernel manager is part of, and changes nothing in them.

    jupyter_server sets ``_stopping`` before it shuts its kernels down, but not where it is told to
    end by its REST interface; it removes its ``info_file`` first in both cases.
    """

    def __init__(self, manager: Any) -> None:
        """Look at a kernel manager; the server runs now."""
        self._manager = manager
        self._files = [file for file in self._info_files() if os.path.exists(file)]

    @property
    def is_stopping(self) -> bool:
        """Whether it ends."""
        said = any(getattr(each, "_stopping", False) is True for each in self._parents())
        return said or any(not os.path.exists(file) for file in self._files)

    def _parents(self) -> Iterator[Any]:
        each = self._manager
        for _ in range(MOST_PARENTS):
            each = getattr(each, "parent", None)
            if each is None:
                return
            yield each

    def _info_files(self) -> Iterator[str]:
        for each in self._parents():
            file = getattr(each, "info_file", None)
            if isinstance(file, str) and file:
                yield file
