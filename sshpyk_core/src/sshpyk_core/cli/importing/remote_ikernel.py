"""Kernel specs of remote_ikernel: ``PYTHON -m remote_ikernel --interface ssh --host HOST ...``.

Its interface ``local`` behind one tunnel host is that host; the batch systems are not for us.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from sshpyk_core.cli.importing.kernel_command import interpreter
from sshpyk_core.cli.importing.translation import (
    NotImportable,
    StrictParser,
    Translation,
    arguments_of,
    connection_file_only,
    remote_path,
)

__all__ = ["NAME", "translated"]

NAME = "remote_ikernel"

_BATCH_SYSTEMS = {
    "pbs": "PBS",
    "sge": "Grid Engine",
    "sge_qrsh": "Grid Engine",
    "slurm": "Slurm",
    "lsf": "LSF",
}


def translated(content: Mapping[str, Any]) -> Translation | None:
    """Give what a kernel.json of remote_ikernel means for us; None when it is not one.

    Raises:
        NotImportable: it is one that we cannot run.
    """
    arguments = arguments_of(content.get("argv"), "remote_ikernel")
    if arguments is None:
        return None
    said = _parser().parse_args(arguments)
    _check_interface(said.interface)
    host = _host(said)
    connection_file_only(said.connection_info)
    try:
        python = interpreter(said.kernel_cmd, prepared=bool(said.precmd))
    except NotImportable as reason:
        raise NotImportable(f"{reason} Look for its kernel with: sshpyk add {host}") from reason
    stanza = {
        "ssh_host_alias": host,
        "remote_python": python,
        "remote_kernel_name": "python3",
        "remote_cwd": remote_path(said.workdir, "workdir") if said.workdir else None,
        "remote_precmd": said.precmd or None,
    }
    given = {key: value for key, value in stanza.items() if value is not None}
    return Translation(given, tuple(_notes(said)))


def _parser() -> StrictParser:
    parser = StrictParser()
    parser.add_argument("connection_info")
    parser.add_argument("--interface", default="local")
    for option in ("--pe", "--workdir", "--host", "--precmd", "--launch-args", "--launch-cmd"):
        parser.add_argument(option)
    parser.add_argument("--cpus", type=int)
    parser.add_argument("--kernel_cmd", default="ipython kernel -f {host_connection_file}")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--tunnel-hosts", nargs="+")
    return parser


def _check_interface(interface: str) -> None:
    if interface in _BATCH_SYSTEMS:
        raise NotImportable(
            f"it starts its kernel as a job of {_BATCH_SYSTEMS[interface]}, and sshpyk starts "
            "kernels over SSH only."
        )
    if interface not in ("ssh", "local"):
        raise NotImportable(f"its interface {interface!r:.100} is not known.")


def _host(said: argparse.Namespace) -> str:
    """Give the host on which the kernel runs, if our ssh can reach it as theirs did."""
    tunnels = list(said.tunnel_hosts or [])
    if said.interface == "ssh":
        if not said.host:
            raise NotImportable("it names no host.")
        host = str(said.host)
    elif not tunnels:
        raise NotImportable("it runs its kernel on this machine, without SSH.")
    else:
        host = str(tunnels.pop())
    name, colon, port = host.partition(":")
    if colon and port.isdigit():
        raise NotImportable(
            f"its port {port} belongs into the ssh config: sshpyk config {name} --port {port} "
            f"--write; then take it out of {host}."
        )
    if said.launch_args or said.launch_cmd:
        given = said.launch_args or said.launch_cmd
        raise NotImportable(
            f"what it gives ssh, {given!r:.200}, belongs into the ssh config: write it there for "
            f"{host}, then take it out here."
        )
    if tunnels:
        raise NotImportable(
            f"the way over {', '.join(tunnels)} belongs into the ssh config: sshpyk config {host} "
            f"--proxy-jump {','.join(tunnels)} --write; then take --tunnel-hosts out."
        )
    return host


def _notes(said: argparse.Namespace) -> list[str]:
    notes = []
    if not said.workdir:
        notes.append("Its kernel begins in your home directory there, not in the one here.")
    if said.verbose:
        notes.append("--verbose is dropped: it was about the log of remote_ikernel.")
    if said.cpus or said.pe:
        notes.append("--cpus and --pe are dropped: they have no meaning over SSH.")
    return notes
