"""The command that measures works; what it finds on a busy machine is not judged."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from support.require import require_nss_wrapper, require_program
from support.source_tree import ROOT
from support.ways import TRANSPORTS


@pytest.mark.others
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_benchmarks_measure_everything_in_quick_mode(transport: str) -> None:
    require_program("sshd", "openssh-server")
    require_nss_wrapper()
    program = str(ROOT / "tests/benchmarks/run.py")
    command = [sys.executable, program, "--quick", "--json", "--transport", transport]
    run = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert run.returncode == 0, run.stderr
    measures = {each["name"]: each for each in json.loads(run.stdout)["transports"][transport]}
    assert list(measures) == [
        "start, cold host",
        "start, warm host",
        "restart",
        "shutdown",
        "execute",
        "output of 4 MiB",
        "poll()",
        "output, acknowledged",
        "line cut: to the next byte",
        "refused for 0.5 s: to the next byte",
        "memory of an idle supervisor",
        "memory with a full spool",
        "CPU of 2 idle kernels",
        "2 starts at once",
    ]
    assert measures["2 starts at once"]["met"]
    assert all(each["remote"] > 0 for each in measures.values() if "CPU" not in each["name"])
