"""The key ``forward`` of a kernel spec: ports of the host, here for as long as the kernel runs."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest
from support.dashboards import answers, dashboard, is_closed, url_in
from support.far import FarSide, MakeFarSide
from support.kernels import execute
from support.managers import READY, started
from support.said import listened
from support.sshd_files import free_port


async def test_a_dashboard_is_at_one_address_for_the_life_of_its_kernel(
    make_far: MakeFarSide,
) -> None:
    far, port = make_far(), free_port()
    far.install("far", forward=[port])
    with listened("traitlets") as told:
        async with started() as (manager, client):
            said = await told.wait_for("http://")
            assert f" here is {far.server.alias} port {port} while the kernel python3 runs" in said
            url = url_in(said)
            # It may start later than its forward.
            assert await asyncio.to_thread(answers, url) is None
            await execute(client, dashboard(port, "first"))
            assert await asyncio.to_thread(answers, url) == "first"

            await manager.restart_kernel(now=True)
            await client.wait_for_ready(timeout=READY)
            await execute(client, dashboard(port, "second"))
            assert await asyncio.to_thread(answers, url) == "second"

            await asyncio.to_thread(far.server.cut)
            await told.wait_for(f"{url} here is back")
            assert await asyncio.to_thread(answers, url) == "second"
            assert len(told.containing("here is ")) == 2
    assert is_closed(url)
    assert far.left_behind() == []


async def test_two_kernels_of_one_spec_have_an_address_each(far: FarSide) -> None:
    port, local = free_port(), free_port()
    far.install("far", forward=[port, f"{local}:{port}"])
    with listened("traitlets") as told:
        async with started() as (_, first), started() as (_, second):
            await execute(first, dashboard(port, "page"))
            said = await told.wait_for("could not listen on")
            assert f"listen on 127.0.0.1:{local} of this machine" in said
            assert "Address already in use" in said
            assert "The kernel python3 runs without it." in said
            assert told.levels("could not listen on") == [logging.WARNING]
            await told.wait_for("http://", times=3)
            # What the kernel spec says is news to nobody; another port is.
            assert told.levels(f":{local}/ here is") == [logging.INFO]
            assert told.levels("/ here is").count(logging.WARNING) == 2
            urls = {url_in(each) for each in told.containing("http://")}
            assert f"http://127.0.0.1:{local}/" in urls
            assert len(urls) == 3
            pages = [await asyncio.to_thread(answers, url) for url in urls]
            assert pages == ["page"] * 3
            assert (await execute(second, "print('runs')")).text == "runs\n"
    assert all(is_closed(url) for url in urls)


@pytest.mark.ways(transports=["openssh", "asyncssh"], why="paramiko has no unix sockets")
async def test_a_socket_of_the_host_is_a_port_here(far: FarSide) -> None:
    local, path = free_port(), far.server.home / "app.sock"
    far.install("far", forward=[f"{local}:{path}"])
    with socket.socket(socket.AF_UNIX) as there, listened("traitlets") as told:
        there.bind(str(path))
        there.listen()
        try:
            async with started():
                await told.wait_for(f"http://127.0.0.1:{local}/ here is {far.server.alias} {path}")
                reader, writer = await asyncio.open_connection("127.0.0.1", local)
                connection, _ = await asyncio.to_thread(there.accept)
                with connection:
                    connection.sendall(b"hello")
                assert await reader.read() == b"hello"
                writer.close()
        finally:
            path.unlink()


@pytest.mark.ways(transports=["paramiko"], why="the others can")
async def test_what_a_transport_cannot_forward_is_a_warning(far: FarSide) -> None:
    far.install("far", forward=[f"{free_port()}:/run/app.sock"])
    with listened("traitlets") as told:
        async with started() as (_, client):
            said = await told.wait_for("runs without it")
            assert "unix" in said
            assert (await execute(client, "print('runs')")).text == "runs\n"
