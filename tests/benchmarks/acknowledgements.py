"""What acknowledgements cost: large outputs with them and, for comparison, without."""

from __future__ import annotations

import functools
import hashlib
import io
import shutil
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sshpyk_core.link import attachment, bootstrap
from sshpyk_core.link.package import RemotePackage, remote_package
from sshpyk_core.remote import courier

from benchmarks import unacknowledged
from benchmarks.bench import REMOTE, Bench, Kernel
from benchmarks.result import Result
from benchmarks.traffic import LINE, throughput

__all__ = ["acknowledgements"]

WITHOUT = "unacknowledged"

ENTRY = """
from sshpyk_remote import courier, unacknowledged

courier.Courier = unacknowledged.without_acknowledgements(courier)

from sshpyk_remote.__main__ import main

main()
"""


async def acknowledgements(bench: Bench) -> list[Result]:
    """Print much, with acknowledgements and without."""
    await bench.end_pair()
    lines = bench.sizes.output_bytes // LINE
    async with bench.running(REMOTE) as usual, _without(bench) as other:
        kernels = {REMOTE: usual, WITHOUT: other}

        async def once(side: str) -> float:
            return await throughput(kernels[side], lines)

        taken = await bench.both(once, bench.sizes.outputs, sides=list(kernels))
    share = taken[REMOTE] / taken[WITHOUT]
    note = f"without {taken[WITHOUT]:.4g} MB/s"
    return [
        Result("output, acknowledged", "MB/s", None, taken[REMOTE], share, "x without", note=note)
    ]


@asynccontextmanager
async def _without(bench: Bench) -> AsyncIterator[Kernel]:
    """Have a kernel whose two ends do without, on a connection of its own."""
    config = bench.server.directory / "config_without"
    shutil.copyfile(bench.server.ssh_config, config)
    bench.install(WITHOUT, config)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(bootstrap, "remote_package", _package)
        ours = unacknowledged.without_acknowledgements(courier)
        monkeypatch.setattr(attachment, "Courier", ours)
        kernel = await bench.start(WITHOUT)
    try:
        yield kernel
    finally:
        await kernel.shutdown()


@functools.cache
def _package() -> RemotePackage:
    """Build the remote package that does without."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(remote_package().content)) as usual,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive,
    ):
        for entry in usual.infolist():
            is_start = entry.filename == "__main__.py"
            archive.writestr(entry, ENTRY if is_start else usual.read(entry))
        module = Path(unacknowledged.__file__).read_bytes()
        archive.writestr("sshpyk_remote/unacknowledged.py", module)
    content = buffer.getvalue()
    return RemotePackage(f"sshpyk-{hashlib.sha256(content).hexdigest()[:16]}.pyz", content)
