"""A kernel whose program was killed in the middle of a cell, and those that attach afterwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from queue import Empty

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from support.far import FarSide
from support.invoked import invoked
from support.kernel_app import client_of, evaluated, file_of, first_object, holding
from support.screen import SSHPYK

LINES = 30
CELL = f"import time\nx = 41\nfor n in range({LINES}):\n    print(n, flush=True); time.sleep(0.1)"


@pytest.mark.ways(servers=["sshd"], why="these are programs, whatever the server")
def test_every_line_is_heard_once_and_the_state_is_intact(far: FarSide) -> None:
    with holding("-k", "far", "--persistent") as program:
        with client_of(file_of(program)) as client:
            client.execute(CELL)
            lines = lines_of(client, 30)
            before = [next(lines) for _ in range(LINES // 4)]
            program.kill()
            before += list(lines_of(client, 0.5))
        program.wait()
    assert before == list(range(len(before)))
    assert len(before) < LINES

    (supervisor,) = far.supervisors()
    with attached(supervisor.name) as second, attached(supervisor.name) as third:
        told = first_object(second)
        assert told["attached"] is False
        assert told["missed"] > 0
        after = heard_at(Path(told["connection_file"]))
        assert after == list(range(after[0], LINES))
        assert after[0] <= len(before)
        others = first_object(third)
        with client_of(Path(others["connection_file"])) as client:
            assert evaluated(client, "print(x + 1)") == "42"
        done = invoked("stop", "-y", supervisor.name)
        assert done.exit_code == 0, done.stderr
        for each in (second, third):
            each.communicate(timeout=30)
            assert each.returncode == 137
    assert far.left_behind() == []


def attached(name: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run ``sshpyk attach`` for a program."""
    return holding("attach", name, "--json", command=SSHPYK)


def heard_at(file: Path) -> list[int]:
    """Connect, and give the numbers that are heard without asking for anything."""
    client = BlockingKernelClient()
    client.load_connection_info(json.loads(file.read_text()))
    client.start_channels(shell=False, stdin=False, hb=False, control=False)
    try:
        heard: list[int] = []
        for number in lines_of(client, 30):
            heard.append(number)
            if number == LINES - 1:
                break
        return heard
    finally:
        client.stop_channels()


def lines_of(client: BlockingKernelClient, patience: float) -> Iterator[int]:
    """Give the numbers that a cell prints, until none comes for so many seconds."""
    while True:
        try:
            message = client.get_iopub_msg(timeout=patience)
        except Empty:
            return
        if message["msg_type"] == "stream":
            yield from map(int, message["content"]["text"].split())
