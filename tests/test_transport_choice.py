"""The transport is a word in the kernel spec: several side by side, and none that is not asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.asynchronous import AsyncKernelClient
from support.far import FarSide
from support.jupyter_server import jupyter_server
from support.kernels import execute
from support.managers import READY
from support.ways import TRANSPORTS

OVER_SSH = pytest.mark.ways(transports=["openssh"], why="it chooses the transports itself")


def client_of(connection_file: Path) -> AsyncKernelClient:
    client = AsyncKernelClient(connection_file=str(connection_file))
    client.load_connection_file()
    client.start_channels()
    return client


@OVER_SSH
async def test_one_jupyter_server_has_a_kernel_over_each_transport_side_by_side(
    far: FarSide,
) -> None:
    for transport in TRANSPORTS:
        far.install(transport, transport=transport)
    logins = far.server.logins()
    with jupyter_server(far.local.runtime_dir) as server:
        start = server.start_kernel
        kernels = await asyncio.gather(*(asyncio.to_thread(start, name) for name in TRANSPORTS))
        clients = [client_of(server.connection_file(kernel)) for kernel in kernels]
        try:
            for transport, client in zip(TRANSPORTS, clients, strict=True):
                await client.wait_for_ready(timeout=READY)
                code = f"import os; where = {transport!r}; print(os.environ['HOME'])"
                assert (await execute(client, code)).text == f"{far.server.home}\n"
            for transport, client in zip(TRANSPORTS, clients, strict=True):
                assert (await execute(client, "print(where)")).text == f"{transport}\n"
            await asyncio.to_thread(server.restart_kernel, kernels[1])
            await clients[1].wait_for_ready(timeout=READY)
            gone = await execute(clients[1], "print('where' in globals())")
            assert gone.text == "False\n"
            assert (await execute(clients[0], "print(where)")).text == f"{TRANSPORTS[0]}\n"
        finally:
            for client in clients:
                client.stop_channels()
        for kernel in kernels:
            await asyncio.to_thread(server.end_kernel, kernel)
        assert far.left_behind() == []
    assert far.server.logins() == logins + len(TRANSPORTS)


PROGRAM = """
import sys
import sshpyk_core.provisioner
assert not any(name.startswith(("sshpyk_openssh", *OTHERS)) for name in sys.modules)

from jupyter_client.manager import KernelManager

manager = KernelManager(kernel_name="far")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=90)
client.stop_channels()
manager.shutdown_kernel()
found = [name for name in sys.modules if name.startswith(OTHERS)]
print("sshpyk_openssh" in sys.modules, found)
"""


@OVER_SSH
def test_a_kernel_over_openssh_imports_neither_of_the_others(far: FarSide) -> None:
    others = ("asyncssh", "paramiko", "sshpyk_asyncssh", "sshpyk_paramiko", "keyring")
    program = f"OTHERS = {others!r}\n{PROGRAM}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.stdout == "True []\n", done.stderr
    assert far.left_behind() == []
