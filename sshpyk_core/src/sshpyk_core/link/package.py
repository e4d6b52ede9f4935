"""The remote package as one file: a zipapp that is named by the hash of its content."""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).parent.parent / "remote"
_NAME_INSIDE = "sshpyk_remote"
_ENTRY = f"from {_NAME_INSIDE}.__main__ import main\n\nmain()\n"


@dataclass(frozen=True)
class RemotePackage:
    """The zipapp.

    Attributes:
        name: its file name on every host; another content has another name.
        content: its bytes.
    """

    name: str
    content: bytes


@functools.cache
def remote_package() -> RemotePackage:
    """Build the zipapp; the same sources give the same bytes."""
    buffer = io.BytesIO()
    # Stored, not deflated: the host's Python may lack zlib.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), _ENTRY)
        for source in sorted(_SOURCE.glob("*.py")):
            archive.writestr(zipfile.ZipInfo(f"{_NAME_INSIDE}/{source.name}"), source.read_bytes())
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    return RemotePackage(f"sshpyk-{digest[:16]}.pyz", content)
