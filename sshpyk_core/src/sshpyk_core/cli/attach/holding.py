"""Which kernel ``sshpyk attach`` holds, which connection file leads to it, and what is told."""

from __future__ import annotations

import logging
from pathlib import Path

from sshpyk_core.cli.running import say
from sshpyk_core.cli.running_there.flags import Looking
from sshpyk_core.cli.running_there.joinable import Joinable, find_joinable
from sshpyk_core.errors import ConfigError
from sshpyk_core.kernel_app.held import HeldKernel
from sshpyk_core.kernel_app.session import hold
from sshpyk_core.kernel_app.told import Told
from sshpyk_core.kernel_app.wanted import Wanted, file_for_clients

__all__ = ["hold_joined"]

EXTERNAL = "external_kernels"
"""Where jupyter_server looks, below the runtime directory (ServerApp.external_connection_dir)."""

SETTING = "ServerApp.allow_external_kernels=True"

log = logging.getLogger("sshpyk_core")


async def hold_joined(
    wanted: str, looking: Looking, connection_file: str, *, external: bool, as_json: bool
) -> int:
    """Join a kernel and hold it until it ends or is left; give the exit status.

    Args:
        wanted: its ID, or the name of its kernel spec.
        looking: where and how it is looked for.
        connection_file: the file for its clients; a new one if empty.
        external: have that where Jupyter servers look.
        as_json: tell a program, not a person.

    Raises:
        SshpykError: it could not be had.
    """
    found = await find_joinable(wanted, looking)
    file, agreed = file_for_clients(connection_file, _directory(external=external))
    kernel = HeldKernel(
        Wanted(found.config, file, agreed=agreed, directory=found.directory, name=found.name), log
    )
    if not log.isEnabledFor(logging.WARNING):
        log.setLevel(logging.WARNING)  # the loss of a connection is news to who watches
    notes = []
    if found.attached:
        notes.append("Another program is attached already; both see what it prints.")
    if external:
        notes.append(f"A Jupyter server with {SETTING} lists it.")
    told = _ToldToPrograms(found) if as_json else Told(found.label, *notes)
    return await hold(kernel, told, keys=not as_json)


def _directory(*, external: bool) -> Path:
    from jupyter_core.paths import jupyter_runtime_dir

    directory = Path(jupyter_runtime_dir())
    if external:
        directory /= EXTERNAL
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{directory} cannot be made: {error.strerror or error}") from error
    return directory


class _ToldToPrograms(Told):
    """Facts as one object; the rest on standard error."""

    def __init__(self, found: Joinable) -> None:
        super().__init__(found.label, stderr=True)
        self._found = found

    def ready(self, kernel: HeldKernel) -> None:
        missed = kernel.facts.missed
        say(
            {
                "kernel": self.name,
                "id": self._found.id,
                "connection_file": str(kernel.wanted.file),
                "attached": self._found.attached,
                "missed": missed.size if missed else 0,
            }
        )
