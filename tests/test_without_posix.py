"""Nothing on the local side needs a module that only POSIX has; mypy for win32 sees the rest."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from support.far import FarSide
from support.source_tree import Module, modules

POSIX_ONLY = ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty")
LOCAL = ("sshpyk_core", "sshpyk_asyncssh", "sshpyk_paramiko")

# The standard library and others' packages may: on Windows they do without by themselves.
BARRIER = f"""
import builtins

POSIX_ONLY, LOCAL = {POSIX_ONLY!r}, {LOCAL!r}
real_import = builtins.__import__

def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {{}}).get("__name__", "")
    meant_for_posix = importer.rpartition(".")[2].startswith("posix_")
    if name.partition(".")[0] in POSIX_ONLY and importer.startswith(LOCAL) and not meant_for_posix:
        raise ImportError(f"{{importer}} wants {{name}}, which Windows does not have")
    return real_import(name, globals, locals, fromlist, level)

builtins.__import__ = guarded
"""

KERNEL = """
from jupyter_client.manager import KernelManager

manager = KernelManager(kernel_name="far")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=90)
output = []
client.execute_interactive("print(6 * 7)", output_hook=output.append, timeout=90)
client.stop_channels()
manager.restart_kernel()
manager.shutdown_kernel()
print(*(m["content"]["text"] for m in output if m["msg_type"] == "stream"), sep="")
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BARRIER + program]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)


@pytest.mark.ways(transports=["asyncssh", "paramiko"], why="openssh has its own ways on POSIX")
def test_a_kernel_runs_where_the_modules_of_posix_cannot_be_imported(far: FarSide) -> None:
    done = run(KERNEL)
    assert done.stdout == "42\n\n", done.stderr
    assert far.left_behind() == []


def test_every_local_module_can_be_imported_without_the_modules_of_posix() -> None:
    names = [
        name
        for name in modules()
        if name.startswith(LOCAL)
        and not name.startswith("sshpyk_core.remote")
        and ".windows_" not in name
    ]
    assert len(names) > 50
    done = run(f"import importlib\nfor name in {names!r}: importlib.import_module(name)\n")
    assert done.returncode == 0, done.stderr


def test_a_module_for_posix_has_one_for_windows_with_the_same_names_beside_it() -> None:
    found = modules()
    for_posix = [name for name in found if ".posix_" in name]
    assert for_posix
    for name in for_posix:
        twin = name.replace(".posix_", ".windows_")
        assert public_names(found[twin]) == public_names(found[name])


def public_names(module: Module) -> list[str]:
    """Read ``__all__`` without importing, which only one of the two systems can."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    raise AssertionError(f"{module.name} has no __all__")


def test_the_barrier_holds() -> None:
    code = "exec('import termios', {'__name__': 'sshpyk_core.something'})"
    done = run(code)
    assert "sshpyk_core.something wants termios, which Windows does not have" in done.stderr
