"""The typed, asynchronous face over the hooks of one transport: nothing else calls a hook.

What a plugin gives is checked here, so that the rest of the core can rely on the types; what it
raises is either one of our own errors or shown as a defect of that plugin.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

import pluggy

from sshpyk_core.declaration import LoginKeeper
from sshpyk_core.errors import PluginError, SshpykError
from sshpyk_core.registry import Registry, default_registry
from sshpyk_core.types import (
    Address,
    Finding,
    Forward,
    KeptLogin,
    Prompter,
    RemoteProcess,
    Session,
    Target,
)

__all__ = ["Transport", "transport_for"]

T = TypeVar("T")


class Transport:
    """One transport, with a method per hook.

    Every method raises PluginError when the transport answers with something else than the hook
    promises, or raises something that is not one of our errors. Cancellation passes through.
    """

    def __init__(
        self, name: str, plugins: pluggy.PluginManager, keeper: LoginKeeper | None = None
    ) -> None:
        """Put the face on a checked plugin manager.

        Args:
            name: the transport's name, for error messages.
            plugins: from :meth:`sshpyk_core.registry.Registry.load`.
            keeper: what the transport declares, if it keeps logins.
        """
        self.name = name
        self._plugins = plugins
        self._keeper = keeper

    async def connect(self, target: Target, prompter: Prompter | None = None) -> Session:
        """Make a live, authenticated session to a target.

        Args:
            target: what the kernel spec says about the host.
            prompter: whom to ask; None when nobody can be asked.

        Raises:
            ConnectError: the subclass that fits.
        """
        hook = "sshpyk_connect"
        answer = await self._call(hook, target=target, prompter=prompter)
        if not isinstance(answer, Session):
            raise self._wrong(hook, "a Session", answer)
        if not asyncio.isfuture(answer.closed):
            raise self._wrong(hook, "a Session whose `closed` is a future", answer.closed)
        return answer

    async def upload(self, session: Session, content: bytes, path: str, mode: int) -> None:
        """Write a file on the host, whole or not at all.

        Args:
            session: from :meth:`connect`.
            content: the bytes of the file.
            path: absolute path on the host.
            mode: permission bits, such as 0o600.

        Raises:
            UploadError: with what the host said.
        """
        hook = "sshpyk_upload"
        answer = await self._call(hook, session=session, content=content, path=path, mode=mode)
        if answer is not None:  # a False that means failure must not pass for success
            raise self._wrong(hook, "None", answer)

    async def launch(self, session: Session, command: str) -> RemoteProcess:
        """Run a command on the host over one exec channel, without a terminal.

        Args:
            session: from :meth:`connect`.
            command: one line for the login shell, already quoted.

        Raises:
            LaunchError: the server refuses the channel, or the session is gone.
        """
        hook = "sshpyk_launch"
        answer = await self._call(hook, session=session, command=command)
        if not isinstance(answer, RemoteProcess):
            raise self._wrong(hook, "a RemoteProcess", answer)
        return answer

    async def forward(self, session: Session, listen: Address, destination: Address) -> Forward:
        """Listen here and carry each connection to a destination as seen from the host.

        Args:
            session: from :meth:`connect`.
            listen: the local address to bind.
            destination: where the host connects to.

        Raises:
            ForwardError: the address is taken, or the server refuses.
        """
        hook = "sshpyk_forward"
        answer = await self._call(hook, session=session, listen=listen, destination=destination)
        if not isinstance(answer, Forward):
            raise self._wrong(hook, "a Forward", answer)
        return answer

    async def signal(self, session: Session, pid: int, signum: int) -> bool:
        """Send a signal to a process of the host.

        Args:
            session: from :meth:`connect`.
            pid: a process; a negative one is a process group.
            signum: as the host numbers it; 0 only asks.

        Returns:
            Whether it was delivered.
        """
        hook = "sshpyk_signal"
        answer = await self._call(hook, session=session, pid=pid, signum=signum)
        if not isinstance(answer, bool):
            raise self._wrong(hook, "a bool", answer)
        return answer

    async def diagnose(self, target: Target) -> list[Finding]:
        """Say what stands between this machine and a session to the target.

        Args:
            target: what the kernel spec says about the host.
        """
        hook = "sshpyk_diagnose"
        answer = await self._call(hook, target=target)
        if not isinstance(answer, list):
            raise self._wrong(hook, "a list of Finding", answer)
        for finding in answer:
            if not isinstance(finding, Finding):
                raise self._wrong(hook, "a list of Finding", finding)
        return answer

    # --- logins that outlive a program: no hooks, but part of what a transport may declare -----

    @property
    def keeps_logins(self) -> bool:
        """Whether it can leave a connection open for later sessions."""
        return self._keeper is not None

    def keeping(self, target: Target) -> Target:
        """Give the target with which :meth:`connect` leaves its connection open, if it can."""
        if self._keeper is None:
            return target
        return replace(target, options={**target.options, **self._keeper.options})

    async def kept_login(self, target: Target) -> KeptLogin | None:
        """Give the login that is kept for a target and works now.

        Args:
            target: what the kernel spec says about the host.
        """
        if self._keeper is None:
            return None
        answer = await self._guarded("keeper.find", self._keeper.find(target))
        if answer is not None and not isinstance(answer, KeptLogin):
            raise self._wrong("keeper.find", "a KeptLogin or None", answer)
        return answer

    async def end_kept_login(self, target: Target) -> bool:
        """End the login that is kept for a target; tell whether there was one.

        Args:
            target: what the kernel spec says about the host.
        """
        if self._keeper is None:
            return False
        return bool(await self._guarded("keeper.end", self._keeper.end(target)))

    async def login_appears(self, target: Target) -> None:
        """Wait until a login that is kept for a target works; for ever where none can be kept.

        Args:
            target: what the kernel spec says about the host.
        """
        if self._keeper is None:
            await asyncio.get_running_loop().create_future()
        else:
            await self._guarded("keeper.appears", self._keeper.appears(target))

    async def _call(self, hook: str, **arguments: object) -> object:
        """Call a hook, await what it gives, and name the transport in what it raises."""

        async def call() -> object:
            answer = getattr(self._plugins.hook, hook)(**arguments)
            if not inspect.isawaitable(answer):
                raise self._wrong(hook, "an awaitable", answer)
            return await answer

        return await self._guarded(hook, call())

    async def _guarded(self, hook: str, work: Awaitable[T]) -> T:
        """Await what a transport does, and name it in what that raises."""
        try:
            return await work
        except SshpykError:
            raise
        except Exception as error:  # anything else is the plugin's defect
            raise PluginError(
                f"the transport {self.name!r} or a plugin that wraps it failed in {hook}: "
                f"{type(error).__name__}: {error}\n"
                "Fix: report this to its author, with the traceback."
            ) from error

    def _wrong(self, hook: str, wanted: str, answer: object) -> PluginError:
        """Make the error for an answer that is not what the hook promises."""
        return PluginError(
            f"the transport {self.name!r} or a plugin that wraps it answered {hook} with "
            f"{type(answer).__name__} where {wanted} is due\n"
            "Fix: report this to its author."
        )


def transport_for(target: Target, registry: Registry | None = None) -> Transport:
    """Give the transport that a target names.

    Args:
        target: what the kernel spec says about the host.
        registry: where to look; None stands for the one that the process shares.

    Raises:
        UnknownTransportError: no installed distribution provides it.
        PluginError: it is installed and breaks the contract of the hooks.
    """
    found = registry or default_registry()
    plugins = found.load(target.transport)
    return Transport(target.transport, plugins, found.declaration(target.transport).keeper)
