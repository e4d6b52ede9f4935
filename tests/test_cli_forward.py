"""``sshpyk forward``: ports of a host here, for as long as the command runs."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest
from sshpyk_core.cli import main
from sshpyk_core.testing.relay import Relay
from support.dashboards import answers, is_closed, url_in
from support.far import FarSide, MakeFarSide
from support.invoked import runner
from support.openssh import local_ssh
from support.processes import wait_gone
from support.screen import SSHPYK, Screen, in_a_pipe
from support.scripts import script
from support.sshd import SSHServer
from support.sshd_files import free_port

FAST = {"ping_after": 0.5, "dead_after": 2}


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"page")

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def serving_page() -> Iterator[int]:
    """Serve a page at a port of 127.0.0.1, which is given."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_dashboard_is_here_until_ctrl_c(make_far: MakeFarSide) -> None:
    far, later = make_far(), free_port()
    far.install("far", **FAST)
    with serving_page() as port, Screen("forward", "far", str(port), str(later)) as screen:
        screen.wait_for("Ctrl+C ends this.")
        alias = far.server.alias
        lines = screen.text.splitlines()
        assert re.fullmatch(rf"http://127.0.0.1:\d+/  ->  {alias} port {port}", lines[0])
        assert re.fullmatch(rf"http://127.0.0.1:\d+/  ->  {alias} port {later}", lines[1])
        assert lines[2] == f"Nothing listens at {alias} port {later} yet."
        urls = [url_in(line) for line in lines[:2]]
        assert [answers(url) for url in urls] == ["page", None]

        far.server.cut()
        screen.wait_for(f"{alias}: connected again after")
        assert f"{alias}: connection lost (" in screen.text
        assert answers(urls[0]) == "page"

        screen.press_ctrl_c()
        assert screen.finish() == 0
        assert all(is_closed(url) for url in urls)
    assert wait_gone(far.server.processes, 10) == []
    assert wait_gone(lambda: local_ssh(far.server), 10) == []


@pytest.mark.ways(servers=["sshd"], why="it can be reached through a relay")
def test_silent_network_is_noticed_and_the_address_stays(make_far: MakeFarSide) -> None:
    far = make_far()
    with serving_page() as port, Relay(far.server.port) as relay:
        assert isinstance(far.server, SSHServer)
        far.server.reach_through(relay.port)
        far.install("far", **FAST)
        local = free_port()
        with Screen("forward", "far", f"{local}:{port}", columns=60, NO_COLOR="1") as screen:
            screen.wait_for("Ctrl+C ends this.")
            url = f"http://127.0.0.1:{local}/"
            assert answers(url) == "page"
            relay.silence()
            screen.wait_for("connection lost (nothing was heard for")
            relay.cut()
            relay.resume()
            screen.wait_for("connected again after")
            assert answers(url) == "page"
            screen.press_ctrl_c()
            assert screen.finish() == 0
            assert b"\x1b[3" not in screen.raw
            assert max(map(len, screen.text.splitlines())) <= 60


def test_program_reads_the_addresses_and_ends_it(far: FarSide, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    script(browser, f'#!/bin/sh\necho "$1" >> {opened}\n')
    with serving_page() as port:
        process = subprocess.Popen(
            [*SSHPYK, "forward", "far", str(port), "--json", "--open"],
            env={**os.environ, "BROWSER": str(browser)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        written = ""
        while not written.endswith("\n}\n"):
            written += process.stdout.readline()
        told = json.loads(written)
        (forward,) = told["forwards"]
        assert told["host"] == far.server.alias
        assert forward == {
            "url": f"http://127.0.0.1:{forward['port']}/",
            "address": "127.0.0.1",
            "port": forward["port"],
            "leads_to": f"{far.server.alias} port {port}",
            "answers": True,
        }
        assert answers(forward["url"]) == "page"
        deadline = time.monotonic() + 30
        while not opened.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)  # nothing tells when a browser has started
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=30)
        assert (process.returncode, rest, errors) == (0, "", "")
    assert opened.read_text(encoding="utf-8").split() == [forward["url"]]
    assert is_closed(forward["url"])


@pytest.mark.ways(servers=["sshd"], why="these are settings of sshd")
@pytest.mark.parametrize("setting", ["AllowTcpForwarding no", "PermitOpen localhost:{silent}"])
def test_server_that_forwards_nothing_yet_is_told_with_both_reasons(
    make_far: MakeFarSide, setting: str
) -> None:
    port = free_port()
    far = make_far(sshd_config=[setting.format(silent=port)])
    done = in_a_pipe("forward", "far", str(port))
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"could not forward {far.server.alias} port {port}" in done.stderr
    assert "Perhaps it forwards nothing" in done.stderr
    assert "(PermitOpen), and nothing listens there yet: start that first." in done.stderr


@pytest.mark.ways(servers=["sshd"], why="these are settings of sshd")
def test_host_that_runs_no_command_forwards_all_the_same(make_far: MakeFarSide) -> None:
    far = make_far(sshd_config=["ForceCommand echo No commands here."])
    far.install("far", **FAST)
    with serving_page() as port, Screen("forward", "far", str(port)) as screen:
        screen.wait_for("Ctrl+C ends this.")
        assert answers(url_in(screen.text)) == "page"
        screen.press_ctrl_c()
        assert screen.finish() == 0


@pytest.mark.ways(servers=["sshd"], why="its keys can be taken away")
def test_refused_login_ends_it(make_far: MakeFarSide) -> None:
    far = make_far()
    assert isinstance(far.server, SSHServer)
    with serving_page() as port, Screen("forward", "far", str(port)) as screen:
        screen.wait_for("Ctrl+C ends this.")
        far.server.authorize()
        far.server.cut()
        assert screen.finish() == 1
        assert "connection lost" in screen.text
        assert "Permission denied" in screen.text or "login" in screen.text
        assert is_closed(url_in(screen.text))


def test_taken_port_is_named_with_the_way_out(far: FarSide) -> None:
    with serving_page() as port, serving_page() as other:
        done = in_a_pipe("forward", "far", f"{other}:{port}")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"Error: {far.server.alias}: could not listen on 127.0.0.1:{other} of this machine for "
        f"{far.server.alias} port {port}: Address already in use\n"
        "Leave LOCAL out, and a free port is used.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["box"], "Missing argument 'PORT...'"),
        (["box", "http"], "'http' is not a port to forward. It is PORT, LOCAL:PORT,"),
        (["box", "70000"], "70000 is not a port"),
        (["box", "0:80"], "0 is not a port"),
        (["box", "80:81", "80:82"], "the port 80 here is wanted twice"),
    ],
)
def test_wrong_command_line_is_refused(arguments: list[str], said: str) -> None:
    done = runner().invoke(main, ["forward", *arguments])
    assert done.exit_code == click.UsageError.exit_code
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["box\x1b[2J", "80"], "ssh_host_alias"),
        (["no-such-host.invalid", "80"], "no-such-host.invalid: could not connect"),
        (["box", "80", "--transport", "opnssh"], "opnssh"),
    ],
)
def test_what_cannot_be_reached_is_one_clear_message(arguments: list[str], said: str) -> None:
    done = in_a_pipe("forward", *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    assert done.stdout == ""


def test_ctrl_c_while_it_connects_is_an_interrupt(far: FarSide) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        config = far.local.home / "mute"
        config.write_text(
            f"Host mute\n  HostName 127.0.0.1\n  Port {mute.getsockname()[1]}\n", encoding="ascii"
        )
        arguments = ("forward", "mute", "80", "--ssh-config", str(config))
        with Screen(*arguments, "--transport", far.way.transport) as screen:
            screen.wait_for("connecting to mute")
            screen.press_ctrl_c()
            assert screen.finish() == 130
            assert "Interrupted." in screen.text


@pytest.mark.ways(servers=["sshd"], why="its host key can be forgotten")
def test_ctrl_c_at_a_question_is_an_interrupt(make_far: MakeFarSide) -> None:
    far = make_far(ssh_config=["StrictHostKeyChecking ask"])
    far.server.client.forget_host_key()
    with Screen("forward", "far", "80") as screen:
        screen.wait_for("SHA256:")
        screen.wait_for("yes/no")
        screen.press_ctrl_c()
        assert screen.finish() == 130
        assert "Interrupted." in screen.text
        assert "Traceback" not in screen.text
