"""``sshpyk demo``, run as a person would run it: it shows what it says, and leaves nothing."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import processes
from support.require import require_program

SSHPYK = Path(sys.executable).with_name("sshpyk")
PATIENCE = 60.0

TAKE_TERMINAL = """
import os, sys
os.close(os.open(os.ttyname(0), os.O_RDWR))
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes a terminal the one that Ctrl+C comes from: the first that a new session opens."""

TOLD = (
    "SSH server on 127.0.0.1:",
    "Kernel started behind it, through openssh",
    "A cell says where it runs",
    "Busy cell interrupted: KeyboardInterrupt after",
    "Kernel restarted: variable gone",
    "Everything ended: no process and no file is left",
)


@dataclass(frozen=True)
class Machine:
    """What the demo finds.

    Attributes:
        home: an empty home directory.
        temporary: an empty directory for temporary files.
    """

    home: Path
    temporary: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Give what a person's shell has."""
        return {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "TMPDIR": str(self.temporary),
            **more,
        }

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the program with its output in pipes."""
        return subprocess.run(
            [SSHPYK, *arguments],
            env=self.environment(**more),
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )

    def files(self) -> list[Path]:
        """Find everything that lies around."""
        return sorted([*self.home.rglob("*"), *self.temporary.rglob("*")])

    def processes(self) -> list[processes.Process]:
        """Find every process that the demo has started for either side."""
        return processes.with_home_below(self.temporary)


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Give an empty machine; fail when the demo leaves a file or a process there."""
    require_program("ssh", "openssh-client")
    base = Path(tempfile.mkdtemp(prefix="sd-", dir="/tmp"))
    machine = Machine(base / "h", base / "t")
    machine.home.mkdir()
    machine.temporary.mkdir()
    try:
        yield machine
        left = machine.processes()
        processes.kill(machine.processes)
        assert left == []
        assert machine.files() == []
    finally:
        shutil.rmtree(base)


class Terminal:
    """The demo on a terminal of its own."""

    def __init__(self, machine: Machine, *arguments: str) -> None:
        """Start it."""
        self.said = ""
        self._terminal, theirs = pty.openpty()
        self._demo = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, SSHPYK, *arguments],
            env=machine.environment(COLUMNS="80"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def read_until(self, wanted: str) -> None:
        """Read until the demo has said something."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in self.said:
            assert self._read(deadline), self.said

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._terminal, keys)

    def end(self) -> int:
        """Read to the end and return the exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        os.close(self._terminal)
        return self._demo.wait(PATIENCE)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            self._demo.kill()
            return False
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # on Linux, how the end of a terminal shows
            return False
        self.said += data.decode()
        return bool(data)


def test_demo_tells_each_step_in_a_narrow_pipe(machine: Machine) -> None:
    done = machine.run("demo", COLUMNS="60")
    assert (done.returncode, done.stderr) == (0, "")
    flat = " ".join(done.stdout.split())
    places = [flat.find(step) for step in TOLD]
    assert -1 not in places, done.stdout
    assert places == sorted(places)
    assert max(len(line) for line in done.stdout.splitlines()) <= 60
    assert "\x1b" not in done.stdout
    assert done.stdout.count("✓") == len(TOLD)


def test_demo_gives_facts_to_programs(machine: Machine) -> None:
    done = machine.run("demo", "--json", "--transport", "openssh", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    steps = {step["name"]: step for step in told["steps"]}
    assert told["ok"]
    assert told["transport"] == "openssh"
    assert list(steps) == ["server", "start", "cell", "interrupt", "restart", "end"]
    assert all(step["ok"] for step in told["steps"])
    assert sum(step["seconds"] for step in told["steps"]) <= told["seconds"]
    where = steps["cell"]
    assert where["python"] == sys.executable
    assert where["cwd"].startswith(str(machine.temporary))
    assert where["ssh_connection"].split()[2:] == ["127.0.0.1", str(steps["server"]["port"])]
    assert steps["interrupt"]["exception"] == "KeyboardInterrupt"
    assert steps["restart"]["pid"] != where["pid"]
    assert steps["restart"]["ports"] == steps["start"]["ports"]


def test_demo_on_a_terminal_is_in_colour_and_leaves_the_cursor(machine: Machine) -> None:
    terminal = Terminal(machine, "demo")
    assert terminal.end() == 0, terminal.said
    assert "\x1b[1;32m✓" in terminal.said
    assert "Restarting the kernel" in terminal.said
    assert terminal.said.rfind("\x1b[?25h") > terminal.said.rfind("\x1b[?25l")


@pytest.mark.parametrize("moment", ["SSH server on", "A cell says where it runs"])
def test_ctrl_c_ends_and_removes_everything(machine: Machine, moment: str) -> None:
    terminal = Terminal(machine, "demo")
    terminal.read_until(moment)
    terminal.type(b"\x03")
    assert terminal.end() == 128 + signal.SIGINT, terminal.said
    assert "stopped by SIGINT; everything is ended and removed" in terminal.said
    assert re.search(r"✗.*: stopped", terminal.said)
    assert "did not work out" not in terminal.said
    assert "Traceback" not in terminal.said


def test_reader_that_goes_away_ends_the_demo(machine: Machine) -> None:
    with subprocess.Popen(
        [SSHPYK, "demo"],
        env=machine.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        demo.stdout.readline()
        demo.stdout.close()
        assert demo.stderr.read() == b""
    assert demo.returncode == 1


def test_failed_step_is_told_with_its_reason(machine: Machine) -> None:
    done = machine.run("demo", PATH="/nowhere", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert re.search(r"^ok +SSH server on", done.stdout, re.M)
    assert re.search(r"^!! +Starting a kernel .* did not work out", done.stdout, re.M)
    assert done.stderr.startswith("Error: demo: could not ")
    assert "Install an OpenSSH client" in done.stderr
    assert "Traceback" not in done.stderr


def test_failed_step_is_a_fact_for_programs(machine: Machine) -> None:
    done = machine.run("demo", "--json", PATH="/nowhere")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["ok"], [step["ok"] for step in told["steps"]]) == (False, [True, False])
    assert "Install an OpenSSH client" in told["error"]


def test_unknown_transport_is_refused_with_those_that_there_are(machine: Machine) -> None:
    done = machine.run("demo", "--transport", "opensh")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no installed distribution provides the transport 'opensh'" in done.stderr
    assert "did you mean 'openssh'?" in done.stderr


@pytest.mark.parametrize("absent", ["asyncssh", "ipykernel"])
def test_missing_library_is_one_line_with_the_command_that_installs_it(
    machine: Machine, absent: str
) -> None:
    code = f"import sys; sys.modules[{absent!r}] = None; import sshpyk_core.cli as c; c.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "demo"],
        env=machine.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    wanted = f"Error: the demo needs {absent}: pip install 'sshpyk-core[testing]'\n"
    assert done.stderr == wanted
