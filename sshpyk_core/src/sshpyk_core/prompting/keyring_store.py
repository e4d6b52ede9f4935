"""The system's keyring, through the optional library ``keyring`` (the extra of that name).

A backend may be broken, locked, slow, or wait for a dialog that nobody sees. None of that is an
error here: it is no answer, and a line in the log, which never holds a secret.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

from sshpyk_core.prompting import own_thread

__all__ = ["SERVICE", "KeyringStore"]

SERVICE = "sshpyk"
"""The name under which entries are kept; their user name is what a question is about."""

# Unlocking may open a dialog of the desktop.
_LIMIT_SECONDS = 30.0
_NULL = "keyring.backends.null.Keyring"

T = TypeVar("T")

log = logging.getLogger(__name__)


class KeyringStore:
    """Passwords and passphrases that outlive this process."""

    def __init__(self, limit_seconds: float = _LIMIT_SECONDS) -> None:
        """Load nothing yet: importing the library takes a while.

        Args:
            limit_seconds: how long one call may take.
        """
        self._limit_seconds = limit_seconds
        self._busy: asyncio.Future[Any] | None = None

    @property
    def installed(self) -> bool:
        """Whether the library is there and not switched off."""
        off = os.environ.get("PYTHON_KEYRING_BACKEND") == _NULL
        return not off and importlib.util.find_spec("keyring") is not None

    async def name(self) -> str | None:
        """Return what to call the keyring before people; None where nothing can be kept."""
        return await self._call(_name, "find the keyring") if self.installed else None

    async def get(self, about: str) -> str | None:
        """Return what is kept for an account or a key; None also when that cannot be told."""
        if not self.installed:
            return None

        def work() -> str | None:
            import keyring

            return keyring.get_password(SERVICE, about)

        return await self._call(work, f"read {about} from the keyring")

    async def put(self, about: str, answer: str) -> None:
        """Keep an answer, in place of an older one."""

        def work() -> None:
            import keyring

            keyring.set_password(SERVICE, about, answer)

        await self._call(work, f"write {about} to the keyring")

    async def delete(self, about: str) -> bool | None:
        """Forget what is kept for an account or a key.

        Returns:
            Whether there was something; None when the keyring does not work.
        """
        if not self.installed:
            return False

        def work() -> bool:
            import keyring

            if keyring.get_password(SERVICE, about) is None:
                return False
            keyring.delete_password(SERVICE, about)
            return True

        return await self._call(work, f"delete {about} from the keyring")

    async def _call(self, work: Callable[[], T], tried: str) -> T | None:
        if self._busy is not None and not self._busy.done():
            log.warning("could not %s: an earlier call still hangs", tried)
            return None
        self._busy = outcome = own_thread.begin(work, "asks the keyring")
        try:
            return await asyncio.wait_for(asyncio.shield(outcome), self._limit_seconds)
        except asyncio.TimeoutError:
            log.warning("could not %s: no answer within %g s", tried, self._limit_seconds)
        except Exception as error:  # backends raise what they like, and it may quote anything
            log.warning("could not %s: %s", tried, type(error).__name__)
        return None


def _name() -> str | None:
    import keyring

    backend = keyring.get_keyring()
    # The backends that keep nothing have a priority of at most 0.
    return str(backend.name) if backend.priority > 0 else None
