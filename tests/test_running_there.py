"""Commands about kernels that run: ``sshpyk ps``, ``logs``, ``interrupt``, ``stop``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from support import kernels, processes
from support.far import FarSide, MakeFarSide, state_of
from support.managers import answer_to, busy, started, started_blocking
from support.screen import Screen, in_a_pipe

NOTEBOOK = "/home/me/paper one.ipynb"
NOISE = """
import os, time
os.write(2, b"deep\\n\\x1b[31mred\\x1b[0m\\x1b]0;title\\x07\\n")
print("busy", flush=True)
time.sleep(600)
"""
START = """
import asyncio, sys
from jupyter_client.manager import AsyncKernelManager

async def main():
    for name in sys.argv[1:]:
        await AsyncKernelManager(kernel_name=name).start_kernel()
    print("started", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def told(*arguments: str) -> dict[str, Any]:
    """Give what ``sshpyk ps --json`` says."""
    said: dict[str, Any] = json.loads(in_a_pipe("ps", "--json", *arguments).stdout)
    return said


def on_screen(*arguments: str, columns: int = 88, **env: str) -> str:
    """Give what the screen shows in the end."""
    with Screen(*arguments, columns=columns, **env) as screen:
        assert screen.finish() == 0, screen.text
        return screen.text


def abandoned(*names: str) -> None:
    """Start kernels in a program that is killed as soon as they run."""
    with subprocess.Popen([sys.executable, "-c", START, *names], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"started\n"
        program.kill()


async def test_kernel_is_shown_read_interrupted_and_stopped(make_far: MakeFarSide) -> None:
    far = make_far()
    with_notebook = {**os.environ, "JPY_SESSION_NAME": NOTEBOOK}
    async with started(env=with_notebook) as (manager, client):
        (supervisor,) = far.supervisors()
        short = supervisor.name[:8]
        message = await busy(client, NOISE)
        shown_to_programs(told(), supervisor.name, state_of(supervisor))
        shown_to_people(short)
        log_is_shown(short)

        done = in_a_pipe("interrupt", short)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"\u2713 python3 {short} on remote was interrupted with SIGINT.\n"
        assert (await answer_to(client, message))["ename"] == "KeyboardInterrupt"

        with Screen("stop", "--host", "far", short) as screen:
            screen.wait_for("(yes/no)")
            screen.press_ctrl_c()
            assert screen.finish() == 130
        assert far.supervisors() == [supervisor]
        with Screen("stop", f"remote:{short[:6]}") as screen:
            screen.wait_for("(yes/no)")
            assert f"python3 {short} on remote (attached, {NOTEBOOK})" in screen.text
            screen.type("yes\n")
            assert screen.finish() == 0
            assert f"python3 {short} on remote is stopped." in screen.text
        assert far.left_behind(0.1) == []
        # The program that holds it sees it dead.
        assert await manager.provisioner.wait() is not None


def shown_to_programs(facts: dict[str, Any], name: str, state: dict[str, Any]) -> None:
    """Check --json."""
    assert state["token"] not in json.dumps(facts)
    (kernel,) = facts["kernels"]
    (host,) = facts["hosts"]
    assert facts["complete"]
    assert host["asked"]
    assert host["problem"] is None
    wanted = {
        "id": name[:8],
        "name": name,
        "host": "remote",
        "kernel": "python3",
        "attached": True,
        "detached_since": None,
        "ends_at": None,
        "session_name": NOTEBOOK,
        "pid": state["pid"],
        "answers": True,
        "elsewhere": False,
        "spool_full": False,
    }
    assert {key: kernel[key] for key in wanted} == wanted
    since = datetime.fromtimestamp(state["since"], timezone.utc)
    assert (
        abs((datetime.fromisoformat(kernel["since"][:-1] + "+00:00") - since).total_seconds()) < 1
    )
    assert -60 < kernel["since_seconds"] <= kernel["attached_since_seconds"] < 0
    assert kernel["memory"] > 2**20
    assert kernel["cpu_seconds"] > 0


def shown_to_people(short: str) -> None:
    """Check a terminal, a narrow one, and a pipe."""
    lines = on_screen("ps").splitlines()
    assert lines[0].split()[:5] == ["ID", "HOST", "KERNEL", "SINCE", "STATE"]
    assert lines[1].startswith(f"{short}  remote  python3  ")
    assert " ago  attached " in lines[1]
    assert lines[2].strip() == NOTEBOOK
    narrow = on_screen("ps", "remote", columns=60, NO_COLOR="1").splitlines()
    assert narrow[0] == f"{short}  python3 on remote"
    assert [line.split()[0].partition("/")[0] for line in narrow[1:]] == [
        *("since", "state", "memory", "CPU", "spool", "notebook")
    ]
    heading, row = in_a_pipe("ps", "far").stdout.splitlines()
    values = dict(zip(heading.split("\t"), row.split("\t"), strict=True))
    assert (values["ID"], values["NOTEBOOK"], values["NOTES"]) == (short, NOTEBOOK, "-")


def log_is_shown(short: str) -> None:
    """Check what the kernel wrote beside its messages: bytes in a pipe, harmless on a terminal."""
    raw = in_a_pipe("logs", short)
    assert raw.returncode == 0
    assert "kernel python3 started, pid" in raw.stdout
    assert raw.stdout.endswith("deep\n\x1b[31mred\x1b[0m\x1b]0;title\x07\n")
    with Screen("logs", "-n", "2", "--host", "remote", short) as screen:
        assert screen.finish() == 0
        assert screen.text == "deep\nred?]0;title?"
        assert b"\x1b[31mred\x1b[0m" in screen.raw
    with Screen("logs", "-n", "1", f"remote:{short}", NO_COLOR="1") as screen:
        assert screen.finish() == 0
        assert b"\x1b[31m" not in screen.raw


async def test_message_interrupts_a_kernel_whose_spec_wants_that(make_far: MakeFarSide) -> None:
    far = make_far()
    kernels.remote_ipykernel(far.server.home, "by-message", interrupt_mode="message")
    far.install("polite", "by-message")
    async with started("polite") as (_manager, client):
        (supervisor,) = far.supervisors()
        message = await busy(client)
        done = in_a_pipe("interrupt", supervisor.name)
        assert (done.returncode, done.stderr) == (0, "")
        assert "was interrupted with an interrupt_request" in done.stdout
        assert (await answer_to(client, message))["ename"] == "KeyboardInterrupt"


def wait_until_detached(*supervisors: Path) -> None:
    """Wait until the state files say that nobody is attached; nothing else tells."""
    deadline = time.monotonic() + 30
    while any(state_of(each)["attached"] for each in supervisors):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.others
@pytest.mark.ways(servers=["sshd"], why="supervisors do not see it")
def test_kernels_of_a_killed_program_are_found_beside_a_dead_host(far: FarSide) -> None:
    far.install("dead", ssh_host_alias="nowhere.invalid")
    abandoned("far", "far")
    first, second = far.supervisors()
    wait_until_detached(first, second)
    os.kill(state_of(second)["supervisor_pid"], signal.SIGSTOP)
    short = second.name[:8]
    with Screen("ps") as screen:
        assert screen.finish() == 1
        shown = " ".join(screen.text.split())
    assert shown.count(" detached ") == 2
    assert f"its supervisor does not answer: sshpyk stop --force {short}" in shown
    assert "nowhere.invalid: could not connect: " in shown
    facts = told("far")
    assert {each["name"] for each in facts["kernels"]} == {first.name, second.name}
    for kernel in facts["kernels"]:
        assert kernel["attached"] is False
        assert kernel["attached_since"] is None
        assert kernel["detached_since_seconds"] <= 0 < kernel["ends_at_seconds"]

    with Screen("logs", "-f", "-n", "1", f"far:{first.name}") as screen:
        screen.wait_for("--existing")
        processes.kill(far.bridges)
        assert screen.finish() == 1
        assert "Error: remote: could not" in screen.text

    # All known hosts are asked for an ID; the dead one does no harm.
    refused = in_a_pipe("stop", "-y", first.name[:10], short)
    assert refused.returncode == 1
    assert refused.stdout == f"\u2713 python3 {first.name[:8]} on remote is stopped.\n"
    assert f"sshpyk stop --force {short}" in refused.stderr
    assert far.supervisors() == [second]
    forced = in_a_pipe("stop", "-y", "--force", "--host", "far", short)
    assert (forced.returncode, forced.stderr) == (0, "")
    assert forced.stdout == f"\u2713 python3 {short} on remote was ended by force.\n"
    assert far.left_behind(0.1) == []
    gone = in_a_pipe("ps", "far")
    assert (gone.returncode, gone.stderr, gone.stdout) == (0, "", "No kernel runs there.\n")


def test_log_is_followed_as_it_grows(far: FarSide) -> None:
    with started_blocking() as (_manager, client):
        (supervisor,) = far.supervisors()
        with (
            Screen("logs", "-f", "-n", "1", supervisor.name) as stays,
            Screen("logs", "--follow", "-n", "1", supervisor.name) as leaves,
        ):
            for screen in (stays, leaves):
                screen.wait_for("--existing")
            client.execute("import os; os.write(2, b'first\\nsecond\\n')")
            for screen in (stays, leaves):
                screen.wait_for("first\nsecond", 12)
            leaves.press_ctrl_c()
            assert leaves.finish() == 130
            assert in_a_pipe("stop", "-y", supervisor.name[:12]).returncode == 0
            assert stays.finish() == 0
            assert "the kernel is gone: somebody has stopped it" in stays.text


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("ps",), 0, ""),
        (("logs", "0f1e"), 1, "no kernel spec here leads to a host"),
        (("logs", "xyz"), 2, "'xyz' is no ID"),
        (("logs", "lab:"), 2, "'lab:' is no ID"),
        (("stop", "0f1e"), 2, "say -y"),
        (("ps", "-x"), 2, "-x"),
        (("ps", "--transport", "none-such", "lab"), 1, "none-such"),
        (("interrupt", "nowhere.invalid:0f1e"), 1, "nowhere.invalid: could not connect"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_few_words(
    arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = in_a_pipe(*arguments)
    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) == (status == 0)
