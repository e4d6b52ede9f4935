"""An errand: the logos of kernel specs, for those that show the kernels elsewhere.

Nothing else that a spec's directory may hold: ``kernel.js`` would be this host's code in the user's
browser. The answer: ``files`` (by directory, by name, in base64) and ``problems``.
"""

import binascii
import os
import stat
from typing import Any, Dict, List, Mapping, Optional

LOGOS = ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg")

MOST_DIRECTORIES = 500

MOST_OF_ONE = 512 * 1024
"""Bytes of one file."""

MOST_IN_ALL = 2560 * 1024
"""Bytes of all files: as base64 they fit into one answer."""


def run(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Read the logos in ``directories``."""
    directories = list(request["directories"])
    if len(directories) > MOST_DIRECTORIES or not all(map(_is_path, directories)):
        raise ValueError("directories must be at most %d absolute paths" % MOST_DIRECTORIES)
    left = MOST_IN_ALL
    files: Dict[str, Dict[str, str]] = {}
    problems: List[Dict[str, str]] = []
    for directory in dict.fromkeys(directories):
        files[directory] = {}
        for name in LOGOS:
            path = os.path.join(directory, name)
            try:
                content = _read(path, min(left, MOST_OF_ONE))
            except OSError as error:
                problems.append({"path": path, "cause": error.strerror or str(error)})
                continue
            if content is not None:
                left -= len(content)
                files[directory][name] = binascii.b2a_base64(content, newline=False).decode("ascii")
    return {"files": files, "problems": problems}


def _is_path(directory: Any) -> bool:
    return isinstance(directory, str) and os.path.isabs(directory) and "\0" not in directory


def is_logo(directory: str, name: str) -> bool:
    """Say whether there is such a file in a kernel spec's directory, and not a link elsewhere."""
    try:
        return stat.S_ISREG(os.lstat(os.path.join(directory, name)).st_mode)
    except OSError:
        return False


def _read(path: str, limit: int) -> Optional[bytes]:
    """Give what a file holds, None where there is no file of that name.

    Raises:
        OSError: it is too large, or cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError("it is left out: %d bytes are too many" % status.st_size)
    return content
