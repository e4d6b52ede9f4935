"""Small real distributions on sys.path: what installing a plugin leaves behind, and no more."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path

import pytest

_numbers = itertools.count()

TRANSPORT = """
import asyncio
from sshpyk_core.hookspecs import hookimpl
from sshpyk_core.types import Finding

class Session:
    def __init__(self, target):
        self.target = target
        self.closed = asyncio.get_running_loop().create_future()

    async def aclose(self):
        if not self.closed.done():
            self.closed.set_result("closed")

class Forward:
    def __init__(self, address):
        self.address = address

    async def aclose(self):
        pass

class Process:
    def __init__(self, process):
        self.process = process
        self.stdin, self.stdout, self.stderr = process.stdin, process.stdout, process.stderr

    async def wait(self):
        return await self.process.wait()

    async def terminate(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

@hookimpl
async def sshpyk_connect(target, prompter):
    return Session(target)

@hookimpl
async def sshpyk_upload(session, content, path, mode):
    pass

@hookimpl
async def sshpyk_launch(session, command):
    pipe = asyncio.subprocess.PIPE
    return Process(await asyncio.create_subprocess_shell(
        command, stdin=pipe, stdout=pipe, stderr=pipe))

@hookimpl
async def sshpyk_forward(session, listen, destination):
    return Forward(listen)

@hookimpl
async def sshpyk_signal(session, pid, signum):
    return True

@hookimpl
async def sshpyk_diagnose(target):
    return [Finding("ok", "this machine is here")]
"""
"""A whole transport to this machine."""

TRANSPORTS = "sshpyk.transports"
PLUGINS = "sshpyk.plugins"


def changed(old: str, new: str, source: str = TRANSPORT) -> str:
    """Give the transport's source with one passage replaced, which must be there."""
    assert old in source
    return source.replace(old, new)


def with_body(hook: str, body: str) -> str:
    """Give the transport's source with another body, one line, for one hook."""
    head, _, rest = TRANSPORT.partition(f"async def {hook}(")
    signature, _, rest = rest.partition("\n")
    _, mark, tail = rest.partition("\n@hookimpl")
    return f"{head}async def {hook}({signature}\n    {body}\n{mark}{tail}"


class Distributions:
    """Writes distributions into a directory that is on sys.path while a test runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self,
        distribution: str,
        name: str,
        source: str = TRANSPORT,
        *,
        group: str = TRANSPORTS,
        version: str = "1.0",
        entry: str = "{module}",
    ) -> str:
        """Write one distribution with one module and one entry point; give the module's name."""
        module = f"plugin_of_a_test_{next(_numbers)}"
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata)
        value = entry.format(module=module)
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
        importlib.invalidate_caches()
        return module


@pytest.fixture
def distributions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Distributions:
    """An empty place for distributions, first on sys.path."""
    monkeypatch.syspath_prepend(tmp_path)
    return Distributions(tmp_path)
