"""What clients connect to: ports that are ours, keys that both ends have, encryption if wanted."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.connect import write_connection_file
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.errors import KernelStartError, SshpykError
from support.far import FarSide, is_listening
from support.kernels import execute, remote_ipykernel
from support.managers import READY, started

ENCRYPTED = {"supported_encryption": ["curve"]}

needs_curve = pytest.mark.skipif(
    not hasattr(AsyncKernelManager, "transport_encryption")
    or "supported_encryption" not in get_kernel_dict().get("metadata", {}),
    reason="this jupyter_client or ipykernel is older than transport_encryption",
)


async def test_ports_are_bound_on_loopback_before_anybody_hears_of_them(far: FarSide) -> None:
    manager = AsyncKernelManager(kernel_name="far")
    await manager.start_kernel()
    try:
        assert manager.ip == "127.0.0.1"
        assert len(set(manager.ports)) == 5
        for port in manager.ports:
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", port))
        file = connection_in(manager.connection_file)
        assert {file[name] for name in file if name.endswith("_port")} == set(manager.ports)
        assert os.stat(manager.connection_file).st_mode & 0o077 == 0
    finally:
        await manager.shutdown_kernel(now=True)
    assert not any(is_listening(port) for port in manager.ports)


async def test_a_connection_file_that_another_program_wrote_is_honoured(
    far: FarSide, tmp_path: Path
) -> None:
    path, _ = write_connection_file(str(tmp_path / "c.json"), key=b"chosen-by-another-program")
    chosen = connection_in(path)
    manager = AsyncKernelManager(kernel_name="far", connection_file=path)
    async with started(manager=manager) as (_, client):
        assert connection_in(path) == chosen
        stranger = AsyncKernelClient(connection_file=path)
        stranger.load_connection_file()
        stranger.start_channels()
        try:
            await stranger.wait_for_ready(timeout=READY)
            assert (await execute(stranger, "print('from the file')")).text == "from the file\n"
            await manager.restart_kernel()
            await stranger.wait_for_ready(timeout=READY)
            await client.wait_for_ready(timeout=READY)
            assert connection_in(path) == chosen
        finally:
            stranger.stop_channels()


async def test_a_chosen_port_that_is_taken_is_named_and_nothing_is_left(far: FarSide) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        manager = AsyncKernelManager(kernel_name="far", iopub_port=port)
        with pytest.raises(SshpykError, match=f"127.0.0.1:{port} for the kernel's iopub"):
            await manager.start_kernel()
    assert not await manager.is_alive()
    await manager.shutdown_kernel(now=True)
    assert far.left_behind() == []


@needs_curve
@pytest.mark.parametrize("policy", ["auto", "required"])
async def test_curve_keys_reach_the_kernel_and_clients_talk_encrypted(
    far: FarSide, policy: str
) -> None:
    remote_ipykernel(far.server.home, "curve", metadata=ENCRYPTED)
    declared = {"metadata": ENCRYPTED} if policy == "required" else {}
    far.install("curve", "curve", kernel_json=declared)
    manager = AsyncKernelManager(kernel_name="curve", transport_encryption=policy)
    async with started(manager=manager) as (_, client):
        (supervisor,) = far.supervisors()
        there = connection_in(supervisor / "connection.json")
        here = connection_in(manager.connection_file)
        for name in ("curve_publickey", "curve_secretkey", "key"):
            assert there[name] == here[name] != ""
        for port in (manager.shell_port, manager.iopub_port, manager.control_port):
            assert await speaks(port, b"CURVE")
            assert not await speaks(port, b"NULL")
        before = manager.get_connection_info()
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=READY)
        assert manager.get_connection_info() == before
        assert (await execute(client, "print('secret')")).text == "secret\n"
        if policy == "required":
            far.install("existing", existing=supervisor.name, kernel_json=declared)
            other = AsyncKernelManager(kernel_name="existing", transport_encryption=policy)
            async with started(manager=other) as (_, second):
                assert (await execute(second, "print('too')")).text == "too\n"


@needs_curve
async def test_encryption_that_the_remote_kernel_does_not_know_is_refused_or_left_out(
    far: FarSide,
) -> None:
    far.install("plain", kernel_json={"metadata": ENCRYPTED})
    manager = AsyncKernelManager(kernel_name="plain", transport_encryption="required")
    with pytest.raises(KernelStartError, match="'required'"):
        await manager.start_kernel()
    await manager.shutdown_kernel(now=True)
    assert far.left_behind() == []
    manager = AsyncKernelManager(kernel_name="plain", transport_encryption="auto")
    async with started(manager=manager):
        assert await speaks(manager.shell_port, b"NULL")


async def test_forwarded_channels_carry_a_kernel_over_restarts(far: FarSide) -> None:
    far.install("forwarded", channels="forward")
    async with started("forwarded") as (manager, client):
        (supervisor,) = far.supervisors()
        there = connection_in(supervisor / "connection.json")
        before = manager.get_connection_info()
        assert there["shell_port"] != before["shell_port"]
        assert (await execute(client, "kept = 1; print(kept)")).text == "1\n"
        await manager.restart_kernel()
        assert manager.get_connection_info() == before
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, "print('kept' in globals())")).text == "False\n"
        ports = manager.ports
        await manager.shutdown_kernel()
        assert not any(is_listening(port) for port in ports)
    assert far.left_behind() == []


def connection_in(path: str | Path) -> dict[str, object]:
    """Read what must be as it was agreed: ports and keys."""
    content = json.loads(Path(path).read_text())
    return {name: content[name] for name in content if name.endswith(("_port", "key"))}


async def speaks(port: int, mechanism: bytes) -> bool:
    """Say whether the far end agrees on a security mechanism (ZMTP 3.0, section 2.2)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    signature, version = b"\xff" + bytes(8) + b"\x7f", b"\x03\x00"
    writer.write(signature + version + mechanism.ljust(20, b"\0") + bytes(32))
    try:
        greeting = await asyncio.wait_for(reader.readexactly(32), 30)
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return False
    finally:
        writer.close()
        with suppress(ConnectionResetError):
            await writer.wait_closed()
    return greeting[12:].rstrip(b"\0") == mechanism
