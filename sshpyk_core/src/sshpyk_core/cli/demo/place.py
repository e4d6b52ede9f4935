"""Throw-away directories for both sides of the demo, so that nothing of the user's is touched."""

from __future__ import annotations

import json
import os
import shutil
import site
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["NEAR_KERNEL", "Place"]

NEAR_KERNEL = "sshpyk-demo"
"""The kernel spec that Jupyter starts; it leads to the other one."""

FAR_KERNEL = "demo"
"""The kernel spec on the server's side."""

LONG_PATH = 36
"""From this length on, ssh's control socket would not fit below a directory of ours."""

ORPHAN_SECONDS = 10
"""How long a kernel of a demo that was killed lives on."""

FORGET = (
    "JPY_PARENT_PID",
    "JPY_SESSION_NAME",
    "JUPYTER_CONFIG_PATH",
    "JUPYTER_PATH",
    "SSH_AGENT_PID",
    "SSH_AUTH_SOCK",
)
"""Variables that lead to something of the user's."""


@dataclass(frozen=True)
class Place:
    """A private directory with a part for each side.

    Attributes:
        root: all of it.
    """

    root: Path

    @classmethod
    def make(cls) -> Place:
        """Make the directories.

        Raises:
            OSError: there is nowhere to make them.
        """
        base = tempfile.gettempdir()
        if len(base) > LONG_PATH and os.path.isdir("/tmp"):  # noqa: S108 (mkdtemp makes it private)
            base = "/tmp"  # noqa: S108
        place = cls(Path(tempfile.mkdtemp(prefix="sshpyk-demo-", dir=base)))
        for folder in (place.near_home, place.far_home, place.runtime):
            folder.mkdir(mode=0o700)
        return place

    @property
    def near_home(self) -> Path:
        """HOME of this program and of what it starts."""
        return self.root / "near"

    @property
    def far_home(self) -> Path:
        """HOME of what the server starts."""
        return self.root / "far"

    @property
    def runtime(self) -> Path:
        """Where this side keeps sockets and connection files."""
        return self.root / "run"

    @property
    def connection_file(self) -> Path:
        """The connection file on this side."""
        return self.runtime / "kernel.json"

    @property
    def kernel_specs(self) -> Path:
        """The directory of this side's kernel specs."""
        return self.near_home / "jupyter" / "kernels"

    @property
    def supervisors(self) -> Path:
        """Where the server's side keeps a directory for each kernel that runs."""
        return self.far_home / ".cache" / "sshpyk" / "supervisors"

    def near_environment(self) -> dict[str, str | None]:
        """Give the variables that this side needs; None stands for one that must not be set."""
        return {
            **_jupyter_directories(self.near_home),
            **dict.fromkeys(FORGET),
            "HOME": str(self.near_home),
            "XDG_RUNTIME_DIR": str(self.runtime),
        }

    def far_environment(self) -> dict[str, str]:
        """Give what commands on the server find besides what a login gives them.

        Their home is another, so Python needs to be told where the user's packages are.
        """
        variables = _jupyter_directories(self.far_home)
        if site.ENABLE_USER_SITE:
            variables["PYTHONUSERBASE"] = site.getuserbase()
        if "PYTHONPATH" in os.environ:
            variables["PYTHONPATH"] = os.environ["PYTHONPATH"]
        return variables

    def write_kernel_specs(self, transport: str, alias: str, ssh_config: Path) -> None:
        """Write a spec on the server's side, and one on this side that leads to it.

        Args:
            transport: what carries the kernel.
            alias: the server's name in ``ssh_config``.
            ssh_config: the client config file.
        """
        config = {
            "transport": transport,
            "ssh_host_alias": alias,
            "ssh_config": str(ssh_config),
            "remote_python": sys.executable,
            "remote_kernel_name": FAR_KERNEL,
            "launch_timeout": 60,
            "detached_timeout": ORPHAN_SECONDS,
        }
        provisioner = {"provisioner_name": "sshpyk-provisioner", "config": config}
        _write_spec(self.kernel_specs / NEAR_KERNEL, [], {"kernel_provisioner": provisioner})
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        _write_spec(self.far_home / "jupyter" / "kernels" / FAR_KERNEL, command, {})

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.root, ignore_errors=True)


def _jupyter_directories(home: Path) -> dict[str, str]:
    return {
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(home / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter-run"),
    }


def _write_spec(folder: Path, argv: list[str], metadata: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True)
    spec = {
        "argv": argv,
        "display_name": "sshpyk demo",
        "language": "python",
        "metadata": dict(metadata),
    }
    (folder / "kernel.json").write_text(json.dumps(spec, indent=2), encoding="utf-8")
