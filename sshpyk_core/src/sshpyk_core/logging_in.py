"""One attempt to log in at a time, for all who want it; with a person where a user waits for it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from sshpyk_core.errors import AuthenticationError, HostKeyError
from sshpyk_core.prompting.login import Login, Shared
from sshpyk_core.prompting.patience import Patience
from sshpyk_core.prompting.person import find_person
from sshpyk_core.single_flight import SingleFlight

__all__ = ["LoggingIn"]


class LoggingIn:
    """The attempts for one host.

    What only a user started asks a person; a reconnect never does.
    """

    def __init__(
        self,
        work: Callable[[Login], Coroutine[Any, Any, None]],
        shared: Shared,
        patience: Patience,
    ) -> None:
        """Try nothing yet.

        Args:
            work: makes the connection.
            shared: what the logins of this process share.
            patience: the clock that stands still while a person is asked.
        """
        self._work = work
        self._shared = shared
        self._patience = patience
        self._flight = SingleFlight(self._attempt)
        self._users = 0
        self._login: Login | None = None

    @property
    def running(self) -> bool:
        """Whether an attempt is under way that one may still join."""
        return self._flight.running

    @property
    def in_person(self) -> bool:
        """Whether an attempt is under way that a user waits for."""
        return self._users > 0

    async def unattended(self) -> None:
        """Join the attempt under way, or begin one that asks nobody; raises what that raises."""
        return await self._flight.join()

    async def for_user(self) -> None:
        """Join the attempt under way, or begin one that asks a person where that is needed.

        The person is asked once for all users who wait, and no more when none of them waits.
        """
        self._users += 1
        try:
            if self._login is not None and not self._login.in_person:
                try:
                    await self._flight.join()
                    return None
                except (AuthenticationError, HostKeyError):
                    # It was begun for nobody; the next one may have somebody to ask.
                    if find_person() is None:
                        raise
            return await self._flight.join()
        finally:
            self._users -= 1
            if not self._users and self._login is not None:
                self._login.dismiss()

    async def aclose(self) -> None:
        """End the attempt under way, and return when it has undone what it had begun."""
        await self._flight.aclose()

    async def _attempt(self) -> None:
        person = find_person() if self._users else None
        self._login = Login(self._shared, person, self._patience)
        try:
            return await self._work(self._login)
        finally:
            self._login = None
