"""A host, for programs: connect to it, list, start and find again the kernels there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from os import PathLike, fspath
from typing import Any, TypeVar

from sshpyk_core.api.background_kernel import BackgroundKernel
from sshpyk_core.api.kernel import Kernel
from sshpyk_core.api.values import KernelInfo
from sshpyk_core.background import background
from sshpyk_core.config import KernelConfig
from sshpyk_core.connection import Places
from sshpyk_core.errors import ConfigError
from sshpyk_core.hosts import hosts
from sshpyk_core.kernel.connection_file import new_security
from sshpyk_core.kernel.launch_request import Launch, LocalPlace
from sshpyk_core.kernel.live_kernel import LiveKernel
from sshpyk_core.link.link import Link
from sshpyk_core.running_kernels import RunningKernel, running_kernel, running_kernels, tell
from sshpyk_core.survey import RemoteKernel, survey

__all__ = ["RemoteHost", "connect"]

T = TypeVar("T")


@asynccontextmanager
async def connect(
    alias: str | None = None,
    *,
    spec: str | None = None,
    transport: str | None = None,
    ssh_config: str | PathLike[str] | None = None,
    transport_options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[RemoteHost]:
    """Connect to a host; its kernels that this program holds are let go of at the end.

    Args:
        alias: the host, as ``ssh`` takes it.
        spec: instead, a kernel spec of this machine, whose settings and kernel are then the usual.
        transport: the plugin that speaks SSH; openssh if not given.
        ssh_config: the ssh config file to read instead of the user's own.
        transport_options: what the transport is told besides.
        settings: other keys of a kernel spec's ``config``, for all kernels started here.

    Raises:
        ConfigError: one of these is impossible.
        LocalSpecError: there is no such kernel spec.
        HostError: why the host cannot be reached.
    """
    given = {
        "ssh_host_alias": alias,
        "transport": transport,
        "ssh_config": fspath(ssh_config) if ssh_config is not None else None,
        "transport_options": transport_options,
        **settings,
    }
    stanza = {name: value for name, value in given.items() if value is not None}
    if (alias is None) == (spec is None):
        raise ConfigError("connect() takes either the alias of a host or the name of a kernel spec")
    if spec is not None:
        stanza = {**await background.run(_stanza_of(spec)), **stanza}
    host = RemoteHost(stanza)
    await background.run(host._connect())
    try:
        yield host
    finally:
        await asyncio.shield(host.aclose())


async def _stanza_of(spec: str) -> dict[str, Any]:
    from sshpyk_core.kernelspecs import find_ours

    return await asyncio.to_thread(lambda: find_ours(spec).stanza)


class RemoteHost:
    """A host that one is connected to; :func:`connect` gives it.

    Its connection is that of all kernels of this process on that host, comes back when it is lost,
    and is kept for a minute after the last of them.
    """

    def __init__(self, stanza: Mapping[str, Any]) -> None:
        """Connect to nothing yet.

        Args:
            stanza: the usual settings of kernels there, as a kernel spec's ``config`` has them.

        Raises:
            ConfigError: one of them is impossible.
        """
        self._stanza = dict(stanza)
        self._config = KernelConfig.parse(stanza, "the call of connect()")
        self._held: set[BackgroundKernel] = set()

    @property
    def alias(self) -> str:
        """The host, as ``ssh`` takes it."""
        return self._config.ssh_host_alias

    def __repr__(self) -> str:
        """Name the host."""
        return f"<RemoteHost {self.alias}>"

    # --- what is there -----------------------------------------------------------------------

    async def kernels(self) -> tuple[KernelInfo, ...]:
        """List the kernels of sshpyk that run there, whoever of this user has started them.

        Raises:
            HostError: the host cannot be reached, or does not answer.
        """
        return tuple(KernelInfo.of(each) for each in await background.run(self._running()))

    async def kernel_specs(self) -> tuple[RemoteKernel, ...]:
        """List the kernels that can be started there, in all environments; takes some seconds.

        ``start(each.name, remote_python=each.python)`` starts exactly this one.

        Raises:
            HostError: the host cannot be reached, or does not answer.
        """
        return (await background.run(self._ask(survey))).kernels

    # --- kernels -----------------------------------------------------------------------------

    async def start(
        self,
        /,
        kernel: str | None = None,
        *,
        name: str = "",
        persistent: bool = False,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> Kernel:
        """Start a kernel and wait until it answers.

        Args:
            kernel: the name of its kernel spec there; ``python3`` if nothing else is usual.
            name: what lists of kernels are to call it.
            persistent: whether it stays when this program ends, however long nobody comes.
            cwd: its working directory on the host; the home directory if not given.
            env: variables for it; ``${NAME}`` takes the host's value.
            settings: other keys of a kernel spec's ``config``.

        Raises:
            ConfigError: one of these is impossible.
            KernelStartError: it did not start.
            HostError: what else failed; nothing is left behind then.
        """
        given = {"remote_kernel_name": kernel, "remote_cwd": cwd, "env": env, **settings}
        stanza = {key: value for key, value in given.items() if value is not None}
        if persistent:
            stanza["persistent"] = True
        config = KernelConfig.parse({**self._stanza, **stanza}, "the call of start()")
        return Kernel(await background.run(self._start(config, name)))

    async def attach(self, kernel_id: str) -> Kernel:
        """Come back to a kernel that runs, whichever program has started it.

        What it published while no program was attached is in :meth:`.Kernel.missed`. Several
        programs may hold one kernel at once. A restart starts it as it was started at first.

        Args:
            kernel_id: as :attr:`.Kernel.id` and :meth:`kernels` give it, or its first digits.

        Raises:
            SupervisorGoneError: no such kernel runs there; it says why, where that is known.
            RemoteError: several are meant.
            KernelEndedError: its process has ended.
            SupervisorUnreachableError: it does not answer.
            HostError: the host cannot be reached; nothing has changed then.
        """
        return Kernel(await background.run(self._attach(kernel_id)))

    async def stop(self, kernel_id: str) -> None:
        """Stop a kernel without attaching to it.

        Args:
            kernel_id: as :meth:`kernels` gives it, or its first digits.

        Raises:
            SupervisorGoneError: no such kernel runs there; it says why, where that is known.
            RemoteError: several are meant.
            HostError: the host cannot be reached, or does not answer.
        """
        await background.run(self._stop(kernel_id))

    async def aclose(self) -> None:
        """Let go of all kernels: leave those that stay, stop the others."""
        await background.run(self._close())

    # --- on the background loop --------------------------------------------------------------

    async def _ask(self, question: Callable[[Link], Awaitable[T]]) -> T:
        config = self._config
        host = hosts.get(config.target, config.timers)
        return await question(await host.link(Places(config.named_python, config.remote_dir)))

    async def _connect(self) -> None:
        await self._ask(_nothing)

    async def _running(self) -> tuple[RunningKernel, ...]:
        directories = [self._config.remote_dir] if self._config.remote_dir else []
        return (await self._ask(lambda link: running_kernels(link, directories))).kernels

    async def _start(self, config: KernelConfig, name: str) -> BackgroundKernel:
        launch = Launch(connection=new_security(), session_name=name)
        live = LiveKernel(config)
        held = None
        try:
            facts = await live.start(launch)
            held = self._hold(BackgroundKernel(config, live, facts, launch))
            await held.answers()
        except BaseException:
            await asyncio.shield(held.stop() if held is not None else live.end())
            raise
        return held

    async def _attach(self, kernel_id: str) -> BackgroundKernel:
        found = await self._find(kernel_id)
        config = replace(self._config, remote_kernel_name=found.kernel or "unknown")
        live = LiveKernel(config)
        facts = await live.attach(found.directory, LocalPlace(), as_it_was=True)
        held = self._hold(BackgroundKernel(config, live, facts))
        try:
            await held.listens()
        except BaseException:
            await asyncio.shield(held.leave())
            raise
        return held

    def _hold(self, held: BackgroundKernel) -> BackgroundKernel:
        self._held = {each for each in self._held if not each.closed} | {held}
        return held

    async def _stop(self, kernel_id: str) -> None:
        found = await self._find(kernel_id)
        await self._ask(lambda link: tell(link, found.directory, "stop"))

    async def _find(self, kernel_id: str) -> RunningKernel:
        remote_dir = self._config.remote_dir
        return await self._ask(lambda link: running_kernel(link, kernel_id, remote_dir))

    async def _close(self) -> None:
        held, self._held = self._held, set()
        await asyncio.gather(*(each.aclose() for each in held))


async def _nothing(_link: Link) -> None:
    """Ask nothing: the link is there."""
