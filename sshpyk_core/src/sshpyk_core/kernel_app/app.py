"""The command line of ``sshpyk-kernel``, with the flags of sshpyk 1.x."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_core.application import JupyterApp, base_flags
from traitlets import Bool, Enum, Integer, Unicode

from sshpyk_core.cli.page import printable
from sshpyk_core.cli.running import FAILED, run
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import SshpykError
from sshpyk_core.kernel.kernel_note import wanted_note
from sshpyk_core.kernel_app.held import HeldKernel
from sshpyk_core.kernel_app.lookup import find_existing
from sshpyk_core.kernel_app.session import hold
from sshpyk_core.kernel_app.told import Told
from sshpyk_core.kernel_app.wanted import Wanted, absolute, configured, file_for_clients
from sshpyk_core.kernelspecs import find_ours

__all__ = ["SSHKernelApp"]

USAGE = 2


class SSHKernelApp(JupyterApp):
    """Starts a kernel on a host, or joins one, and holds it."""

    name = "sshpyk-kernel"
    description = "Start a kernel of a host, or join one that runs there, and hold it."
    examples = (
        "sshpyk-kernel --kernel ssh_lab_python3\n"
        "sshpyk-kernel -k ssh_lab_python3 --persistent --leave\n"
        "sshpyk-kernel --existing 0f1e2d3c"
    )

    aliases: dict[Any, Any] = {  # noqa: RUF012 - traitlets' way
        ("k", "kernel"): "SSHKernelApp.kernel_name",
        ("e", "existing"): "SSHKernelApp.existing",
        ("f", "persistent-file", "persistent_file"): "SSHKernelApp.persistent_file",
        ("i", "poll-interval"): "SSHKernelApp.poll_interval",
        "ssh-verbose": "SSHKernelApp.ssh_verbose",
    }
    flags: dict[Any, Any] = {  # noqa: RUF012
        ("d", "debug"): base_flags["debug"],
        ("l", "leave"): ({"SSHKernelApp": {"leave": True}}, "Leave the kernel once it runs."),
        ("p", "persistent"): (
            {"SSHKernelApp": {"persistent": True}},
            "Let the kernel stay when this program ends, and note where it is.",
        ),
        "ssh-verbose": ({"SSHKernelApp": {"ssh_verbose": "v"}}, "Let ssh tell what it does."),
    }

    kernel_name = Unicode(help="The kernel spec of this machine to start.").tag(config=True)
    existing = Unicode(
        help="Join a kernel that runs: by its file, its ID as `sshpyk ps` shows it, or the name "
        "of its kernel spec."
    ).tag(config=True)
    persistent = Bool(help="Let the kernel stay when this program ends.").tag(config=True)
    persistent_file = Unicode(
        help="Where to note how the kernel is found again; implies --persistent. "
        "In Jupyter's runtime directory if not given."
    ).tag(config=True)
    leave = Bool(help="Leave the kernel once it runs.").tag(config=True)
    poll_interval = Integer(5000, help="Without a meaning: nothing is polled.").tag(config=True)
    ssh_verbose = Enum(["", "v", "vv", "vvv"], "", help="How much ssh tells.").tag(config=True)
    capture_stdin = Bool(True, help="Let Ctrl+D open the menu.").tag(config=True)

    def initialize(self, argv: Any = None) -> None:
        """Read the command line.

        Raises:
            SystemExit: it is not one, or help was asked for.
        """
        try:
            super().initialize(argv)
        except SystemExit as end:
            raise SystemExit(USAGE if end.code == FAILED else end.code) from None

    def start(self) -> None:
        """Hold the kernel, and exit with the status that says how it ended.

        Raises:
            SystemExit: in each case.
        """
        super().start()
        if self.extra_args or not (self.kernel_name or self.existing):
            extra = " ".join(self.extra_args)
            said = f"What is {extra!r}?" if extra else "Say which kernel: --kernel NAME."
            self._complain(f"{said} See `sshpyk-kernel --help`.", USAGE)
        try:
            status = run(self._hold())
        except SshpykError as error:
            self._complain(str(error), FAILED)
        self.exit(status)

    async def _hold(self) -> int:
        file, agreed = file_for_clients(self._connection_file(), Path(self.runtime_dir))
        spec = find_ours(self.kernel_name) if self.kernel_name else None
        config = self._configured(spec.config()) if spec else None
        existing = self.existing or (config.existing if config else None)
        known = await find_existing(existing, spec, config) if existing else None
        if known is not None:
            config = self._configured(known.config)
        assert config is not None
        note = absolute(self.persistent_file) if self.persistent_file else wanted_note(config)
        wanted = Wanted(
            config=config,
            file=file,
            directory=known.directory if known else None,
            name=self.kernel_name.lower() or (known.name if known else ""),
            agreed=agreed,
            env=(spec.content.get("env") or {}) if spec else {},
            note=note or (known.file if known else None),
            notes=Path(self.runtime_dir),
            leave=self.leave,
        )
        told = Told(known.label if known else f"{self.kernel_name} on {config.ssh_host_alias}")
        return await hold(HeldKernel(wanted, self.log), told, keys=self.capture_stdin)

    def _configured(self, config: KernelConfig) -> KernelConfig:
        stays = self.persistent or bool(self.persistent_file)
        return configured(config, stays, len(self.ssh_verbose))

    def _connection_file(self) -> str:
        given = self.config.get("KernelManager", {}).get("connection_file", "")
        return given if isinstance(given, str) else str(given)

    def _complain(self, text: str, status: int) -> None:
        self.log.critical("%s", printable(text))
        self.exit(status)
