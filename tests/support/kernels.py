"""Kernel specs for tests, near and far, and code run in a kernel."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.blocking.client import BlockingKernelClient

from support.require import require_module, require_program

__all__ = [
    "Executed",
    "execute",
    "execute_blocking",
    "install_spec",
    "remote_bash_kernel",
    "remote_failing_kernel",
    "remote_ipykernel",
    "remote_ir_kernel",
    "remote_kernel",
    "remote_probe_kernel",
    "remote_wrapped_kernel",
    "remote_xpython_kernel",
]

PROBE = Path(__file__).with_name("probe_kernel.py")


class Executed(NamedTuple):
    """What came of running code.

    Attributes:
        reply: the content of the ``execute_reply``.
        outputs: the messages of the iopub channel that belong to it, in order.
    """

    reply: dict[str, Any]
    outputs: list[dict[str, Any]]

    @property
    def text(self) -> str:
        """All that went to standard output."""
        return self.stream("stdout")

    def stream(self, name: str) -> str:
        """All that went to ``stdout`` or ``stderr``."""
        streams = [m["content"] for m in self.outputs if m["header"]["msg_type"] == "stream"]
        return "".join(content["text"] for content in streams if content["name"] == name)


async def execute(
    client: AsyncKernelClient, code: str, *, timeout: float = 60, **options: Any
) -> Executed:
    """Run code and wait until the kernel is idle again; ``options`` as execute_interactive's."""
    outputs: list[dict[str, Any]] = []
    reply = await client.execute_interactive(
        code, output_hook=outputs.append, timeout=timeout, **options
    )
    return Executed(reply["content"], outputs)


def execute_blocking(
    client: BlockingKernelClient, code: str, *, timeout: float = 60, **options: Any
) -> Executed:
    """Run code as ``execute`` does, through the blocking client."""
    outputs: list[dict[str, Any]] = []
    run: Callable[..., dict[str, Any]] = client.execute_interactive
    reply = run(code, output_hook=outputs.append, timeout=timeout, **options)
    return Executed(reply["content"], outputs)


def install_spec(data_dir: Path, name: str, config: Mapping[str, Any], **kernel_json: Any) -> Path:
    """Write the local kernel spec of a kernel on another host; return its directory.

    Args:
        data_dir: a Jupyter data directory.
        name: the kernel's name.
        config: the stanza ``metadata.kernel_provisioner.config``.
        kernel_json: further keys of kernel.json; ``metadata`` is merged.
    """
    provisioner = {"provisioner_name": "sshpyk-provisioner", "config": dict(config)}
    metadata = {**kernel_json.pop("metadata", {}), "kernel_provisioner": provisioner}
    spec = {"argv": [], "display_name": name, "language": "python", **kernel_json}
    return _write_spec(data_dir, name, {**spec, "metadata": metadata})


def remote_kernel(home: Path, name: str, argv: list[str], **kernel_json: Any) -> Path:
    """Write a kernel spec into a remote user's home; return its directory."""
    spec = {"argv": argv, "display_name": name, "language": "python", **kernel_json}
    return _write_spec(home / ".local/share/jupyter", name, spec)


def remote_ipykernel(home: Path, name: str = "python3", **kernel_json: Any) -> Path:
    """Write the spec of an ipykernel that runs on this very interpreter."""
    argv = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher"]
    return remote_kernel(home, name, [*argv, "-f", "{connection_file}"], **kernel_json)


def remote_wrapped_kernel(home: Path, name: str) -> Path:
    """Write the spec of an ipykernel that is the child of the command which starts it."""
    run = f'{sys.executable} -m ipykernel_launcher -f "$0"; exit'
    return remote_kernel(home, name, ["sh", "-c", run, "{connection_file}"])


def remote_bash_kernel(home: Path, name: str = "bash", **kernel_json: Any) -> Path:
    """Write the spec of a kernel for bash."""
    argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
    return remote_kernel(home, name, argv, **{"language": "bash", **kernel_json})


def remote_ir_kernel(home: Path, name: str = "ir", **kernel_json: Any) -> Path:
    """Write the spec of a kernel for R, where this machine has IRkernel."""
    require_program("Rscript", "r-cran-irkernel")
    argv = ["R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"]
    return remote_kernel(home, name, argv, **{"language": "R", **kernel_json})


def remote_xpython_kernel(home: Path, name: str = "xpython", **kernel_json: Any) -> Path:
    """Write the spec of xeus-python, which ignores a client that connects anew (no handover)."""
    require_module("xpython", "xeus-python")
    argv = [sys.executable, "-m", "xpython_launcher", "-f", "{connection_file}"]
    return remote_kernel(home, name, argv, **kernel_json)


def remote_probe_kernel(
    home: Path, name: str, *extra: str, python: str = sys.executable, **kernel_json: Any
) -> Path:
    """Write the spec of a kernel that only reports how it was started; return the report's path.

    Args:
        home: of the remote user.
        name: the kernel's name.
        extra: further words of its argument list.
        python: the first word.
        kernel_json: further keys of kernel.json.
    """
    report = home / f"{name}.report"
    argv = [python, "-S", str(PROBE), "{connection_file}", str(report), *extra]
    remote_kernel(home, name, argv, **kernel_json)
    return report


def remote_failing_kernel(
    home: Path, name: str = "failing", *, lines: tuple[str, ...] = ("boom",), status: int = 3
) -> Path:
    """Write the spec of a kernel that says some lines on standard error and ends at once."""
    text = "\n".join(lines) + "\n"
    code = f"import sys; sys.stderr.write({text!r}); sys.exit({status})"
    return remote_kernel(home, name, [sys.executable, "-c", code, "{connection_file}"])


def _write_spec(data_dir: Path, name: str, spec: Mapping[str, Any]) -> Path:
    directory = data_dir / "kernels" / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "kernel.json").write_text(json.dumps(spec, indent=1), encoding="utf-8")
    return directory
