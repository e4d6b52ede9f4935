"""Kernels of other languages work as they are: nothing of ours is in them."""

from __future__ import annotations

from support.far import FarSide
from support.kernels import execute, remote_bash_kernel, remote_ir_kernel
from support.managers import READY, interrupted, started

# One process prints and waits. Bash itself may miss a Ctrl+C between two commands of a line; the
# kernel then gives up after 30 s, idle and without a reply.
BUSY_IN_BASH = "sh -c 'echo busy; exec sleep 600'"


async def test_bash_kernel(far: FarSide) -> None:
    remote_bash_kernel(far.server.home)
    far.install("far-bash", "bash", kernel_json={"language": "bash"})
    async with started("far-bash") as (manager, client):
        assert (await execute(client, 'kept=1; echo "$HOME"')).text == f"{far.server.home}\n"
        cell = await interrupted(manager, client, BUSY_IN_BASH)
        assert cell.reply["status"] == "abort"
        assert (await execute(client, "echo $kept")).text == "1\n"
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, 'echo "<$kept>"')).text == "<>\n"
    assert far.left_behind() == []


async def test_ir_kernel(far: FarSide) -> None:
    remote_ir_kernel(far.server.home)
    far.install("far-ir", "ir", kernel_json={"language": "R"})
    async with started("far-ir") as (manager, client):
        home = await execute(client, "kept <- 1; cat(Sys.getenv('HOME'))")
        assert home.text == str(far.server.home)
        cell = await interrupted(manager, client, "cat('busy'); flush.console(); Sys.sleep(600)")
        assert cell.reply["status"] in ("abort", "error")
        assert manager.kernel_spec.interrupt_mode == "signal"
        assert (await execute(client, "cat(kept)")).text == "1"
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, "cat(exists('kept'))")).text == "FALSE"
    assert far.left_behind() == []
