"""A keyring backend that keeps everything in one file: PYTHON_KEYRING_BACKEND names it."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend

__all__ = ["BACKEND", "FILE", "FileKeyring", "kept"]

BACKEND = "support.file_keyring.FileKeyring"
FILE = "TEST_KEYRING_FILE"
MOOD = "TEST_KEYRING_MOOD"


def kept() -> dict[str, str]:
    """What the file holds: passwords by user name, all of one service."""
    path = Path(os.environ[FILE])
    services = json.loads(path.read_text()) if path.exists() else {}
    assert list(services) in ([], ["sshpyk"])
    return dict(services.get("sshpyk", {}))


class FileKeyring(KeyringBackend):
    """Works, or is broken, or hangs until the event ``going_on`` is set, as MOOD says."""

    priority = 5.0
    going_on = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self._behave()
        assert service == "sshpyk"
        return kept().get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._behave()
        path = Path(os.environ[FILE])
        path.write_text(json.dumps({service: {**kept(), username: password}}))

    def delete_password(self, service: str, username: str) -> None:
        self._behave()
        path = Path(os.environ[FILE])
        left = {name: text for name, text in kept().items() if name != username}
        path.write_text(json.dumps({service: left}))

    def _behave(self) -> None:
        mood = os.environ.get(MOOD)
        if mood == "broken":
            raise OSError("the bus is gone; password=hunter2")
        if mood == "hanging":
            self.going_on.wait()
