"""Jupyter's verbs on one side, ours on the other: the kernel provisioner; it knows no SSH.

Registered as ``sshpyk-provisioner``; a kernel.json selects it by
``metadata.kernel_provisioner.provisioner_name`` and configures it by ``config`` beside that, see
:mod:`sshpyk_core.config`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from sshpyk_core.background import background
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import ConfigError, KernelStartError
from sshpyk_core.kernel.connection_file import connection_info, new_security
from sshpyk_core.kernel.existing import existing_directory
from sshpyk_core.kernel.finding_again import attach_again
from sshpyk_core.kernel.kernel_note import remove_note, wanted_note, write_note
from sshpyk_core.kernel.launch_request import KernelFacts, Launch, MessageSecurity
from sshpyk_core.kernel.live_kernel import SIGKILL, LiveKernel
from sshpyk_core.remote.wire import PORTS
from sshpyk_core.stopping_server import StoppingServer

__all__ = ["SSHKernelProvisioner"]

_JUPYTERS_OWN = ("kernel_id", "kernel_spec", "parent", "config", "log")

_said: set[str] = set()
"""Notices about kernel specs that this process has given already."""


class SSHKernelProvisioner(KernelProvisionerBase):
    """Runs the kernel of one KernelManager on another machine."""

    def __init__(self, **kwargs: Any) -> None:
        """Take what the factory gives: Jupyter's own arguments and the ``config`` stanza.

        Raises:
            ConfigError: the stanza has an unknown key or an impossible value.
        """
        own = {name: kwargs.pop(name) for name in _JUPYTERS_OWN if name in kwargs}
        super().__init__(**own)
        spec = self.kernel_spec
        where = f"the kernel spec {spec.resource_dir or spec.display_name}" if spec else "the spec"
        self._config = KernelConfig.parse(kwargs, where)
        self._live = LiveKernel(self._config, self.log)
        self._has_process = False
        self._launched = False
        self._left = False
        self._search: asyncio.Task[KernelFacts | None] | None = None
        self._server: StoppingServer | None = None
        # The base class keeps one mutable dict for all instances.
        self.connection_info: KernelConnectionInfo = {}
        for notice in self._config.notices:
            if notice not in _said:
                _said.add(notice)
                self.log.warning("%s: %s", self._config.ssh_host_alias, notice)

    @property
    def _manager(self) -> Any:
        """The KernelManager that this provisioner works for."""
        if self.parent is None:
            raise RuntimeError("this kernel provisioner works for a KernelManager only")
        return self.parent

    # --- the process -------------------------------------------------------------------------

    @property
    def has_process(self) -> bool:
        """Whether a kernel was started whose end nobody has waited for yet.

        Jupyter asks this first when it shuts a kernel down, before it says anything to it. When it
        is the server that ends, a kernel that stays is let go here.
        """
        if self._has_process and self._manager.shutting_down and self._stays():
            self._has_process, self._left = False, True
            # The shutdown_request, which Jupyter sends all the same, must not reach the kernel, or
            # must mean nothing to it. What the manager sends from now on is read here after this
            # call; a forwarded port stays open to whoever is connected.
            background.loop.call_soon_threadsafe(self._live.cut)
            self._manager.session.key = secrets.token_bytes(32)
        return self._has_process

    def _stays(self) -> bool:
        """Say whether the kernel is to go on, as its server ends."""
        wanted = self._config.persistent or self._config.reattach
        return wanted and self._server is not None and self._server.is_stopping

    async def poll(self) -> int | None:
        """Return None while the kernel runs or may run, else its exit status; reads memory."""
        if not self._has_process:
            return self._live.returncode or 0
        return self._live.returncode

    async def wait(self) -> int | None:
        """Wait until the kernel has ended and return its exit status."""
        if not self._has_process:
            return self._live.returncode or 0
        returncode = await background.run(self._live.wait())
        self._has_process = False
        return returncode

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel's process group."""
        if self._has_process:
            await background.run(self._live.signal(signum))

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel's process group."""
        await self.send_signal(SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        """Ask the kernel's process group to end."""
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """Let go of the host and the local ports, unless the kernel is to start again."""
        if restart:
            return
        if self._left:
            self.log.info("%s: the kernel %s stays there", *self._names)
            await background.run(self._live.leave())
        else:
            directory = self._live.directory
            await background.run(self._end())
            if directory and (note := wanted_note(self._config)):
                remove_note(note, directory)
        self._has_process = False

    async def _write_note(self, note: Path) -> None:
        try:
            await background.run(write_note(self._live, note, note.parent))
        except ConfigError as error:
            self.log.warning("%s: the kernel %s runs, but %s", *self._names, error)

    @property
    def _names(self) -> tuple[str, str]:
        return self._config.ssh_host_alias, self._config.remote_kernel_name

    # --- starting ----------------------------------------------------------------------------

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Pass the arguments on; what is to run is decided on the host, not here.

        The base class would copy the local environment and format the local argument list.
        """
        config = self._config
        kwargs["cmd"] = [config.transport, config.ssh_host_alias, config.remote_kernel_name]
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, at the first call or after it has ended.

        Args:
            cmd: from :meth:`pre_launch`; of no meaning here.
            kwargs: Jupyter's: ``env`` (only JPY_SESSION_NAME goes to the host),
                ``extra_arguments``, ``transport_encryption``.

        Returns:
            What clients connect to: five ports on this machine.

        Raises:
            SshpykError: with everything undone.
        """
        # The ports first: a connection file that names them also has the key and the address.
        wanted = self._wanted_ports()
        launch = Launch(
            connection=self._connection(kwargs),
            ip=self._ip(),
            wanted_ports=wanted,
            session_name=(kwargs.get("env") or {}).get("JPY_SESSION_NAME", ""),
            local_env=dict(self.kernel_spec.env) if self.kernel_spec is not None else {},
            extra_arguments=kwargs.get("extra_arguments") or (),
        )
        self._server = StoppingServer(self._manager)
        facts = await background.run(self._get(launch))
        self._has_process = self._launched = True
        self._tell_missed(facts)
        if self.kernel_spec is not None:
            # How to interrupt is the remote spec's to say; the local one is a copy at best.
            self.kernel_spec.interrupt_mode = facts.interrupt_mode
        if note := wanted_note(self._config):
            await self._write_note(note)
        self._publish(facts)
        return self.connection_info

    async def _get(self, launch: Launch) -> KernelFacts:
        """Have the kernel started, or attach to one that runs already; on the background loop."""
        facts = await self._found(launch) if not self._launched else None
        return facts or await self._live.start(launch)

    async def _found(self, launch: Launch) -> KernelFacts | None:
        """Attach to a kernel that runs already, if that is wanted and there is one."""
        self._search = search = asyncio.create_task(self._look(launch))
        try:
            return await search
        except asyncio.CancelledError as error:
            if self._search is not None:
                raise
            alias, name = self._names
            said = "it was ended meanwhile"
            raise KernelStartError(alias, f"find the kernel {name}", said) from error
        finally:
            self._search = None

    async def _look(self, launch: Launch) -> KernelFacts | None:
        config = self._config
        if config.existing:
            directory = await existing_directory(config, config.existing)
            return await self._live.attach(directory, launch.place)
        if config.reattach and launch.session_name:
            return await attach_again(
                self._live, config, launch.session_name, launch.place, self.log
            )
        return None

    async def _end(self) -> None:
        """End the kernel, also one that is still being looked for; on the background loop."""
        search, self._search = self._search, None
        if search is not None:
            search.cancel()
            await asyncio.wait([search])
        await self._live.end()

    def _tell_missed(self, facts: KernelFacts) -> None:
        missed = facts.missed
        if missed is None or not (missed.size or missed.cut_short):
            return
        words = "%s: the kernel %s published %d bytes while nobody listened, which come now"
        self.log.info(words, *self._names, missed.size)
        if missed.cut_short:
            words = "%s: the kernel %s published more than could be kept: output is missing"
            self.log.warning(words, *self._names)

    def _ip(self) -> str:
        ip = self._manager.ip if self._manager.transport == "tcp" else ""
        return ip or "127.0.0.1"

    def _wanted_ports(self) -> dict[str, int]:
        """Give the ports that the manager has or that an existing connection file names."""
        manager = self._manager
        ports = {name: int(getattr(manager, f"{name}_port")) for name in PORTS}
        file = manager.connection_file
        if not any(ports.values()) and file and os.path.exists(file):
            manager.load_connection_file()
            ports = {name: int(getattr(manager, f"{name}_port")) for name in PORTS}
        return ports

    def _connection(self, kwargs: Mapping[str, Any]) -> MessageSecurity:
        manager = self._manager
        session = manager.session
        encryption = self._encryption(kwargs)
        curve = None
        if encryption != "disabled" and manager.curve_publickey:
            curve = manager.curve_publickey, manager.curve_secretkey or b""
        return new_security(session.key.decode(), session.signature_scheme, encryption, curve)

    def _encryption(self, kwargs: Mapping[str, Any]) -> Literal["disabled", "auto", "required"]:
        wanted = kwargs.get("transport_encryption")
        if wanted is None:
            wanted = getattr(self._manager, "transport_encryption", "disabled")
        if wanted == "required":
            return "required"
        return "auto" if wanted in (True, "auto") else "disabled"

    def _publish(self, facts: KernelFacts) -> None:
        self.connection_info = connection_info(facts)
        if facts.encrypted:
            self._manager.curve_publickey = facts.connection.curve_publickey.encode()
            self._manager.curve_secretkey = facts.connection.curve_secretkey.encode()

    # --- what Jupyter asks besides -----------------------------------------------------------

    def get_shutdown_wait_time(self, recommended: float = 5.0) -> float:
        """Return how many seconds a kernel may take to end."""
        return self._config.shutdown_time or recommended

    async def get_provisioner_info(self) -> dict[str, Any]:
        """Return what tells a person or a program where the kernel is; no secret of ours."""
        info = await super().get_provisioner_info()
        info["ssh_host_alias"] = self._config.ssh_host_alias
        info["supervisor_directory"] = self._live.directory
        return info
