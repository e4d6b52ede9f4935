"""What a bridge finds out by a child holds up nobody, has an end, and ends with the bridge."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.remote import wire
from sshpyk_core.remote.errands import MOST_AT_ONCE
from support.bridge_process import BridgeProcess, bridge_in
from support.environments import environment
from support.local import LocalSide
from support.processes import wait_gone, with_home
from support.pythons import OLDEST
from support.scripts import script

SOON = 20.0
SURVEY = {"do": "survey"}
HANGS = "#!/bin/sh\nexec sleep 600\n"


def ask(bridge: BridgeProcess, number: int, **request: Any) -> None:
    bridge.say(wire.json_frame(0, wire.REQUEST, {**request, "id": number}).encode())


def answers(bridge: BridgeProcess, count: int) -> dict[int, dict[str, Any]]:
    heard = (each.json() for each in bridge.hear() if each.kind == wire.ANSWER)
    return {each["id"]: each for each in islice(heard, count)}


def hanging(home: Path) -> list[str]:
    return [script(home / "hangs/bin/python", HANGS)]


def test_a_bridge_answers_at_once_while_errands_are_under_way_and_ends_them_with_itself(
    local: LocalSide,
) -> None:
    with bridge_in(local.home) as bridge:
        for number in range(MOST_AT_ONCE):
            ask(bridge, number, do="survey", pythons=hanging(local.home))
        ask(bridge, 100, do="resources", directories=[])
        bridge.say(wire.Frame(0, wire.PING, 0, 0, b"?").encode())
        heard = list(takewhile(lambda each: each.kind != wire.PONG, bridge.hear()))
        (refused,) = [each.json() for each in heard if each.kind == wire.ANSWER]
        assert (refused["id"], refused["error"]["kind"]) == (100, "busy")
        _, status, complaints = bridge.finish()
        assert (status, complaints) == (0, "")
        assert wait_gone(partial(with_home, local.home), SOON) == []


def test_errands_end_with_a_bridge_that_is_killed(local: LocalSide) -> None:
    with bridge_in(local.home) as bridge:
        ask(bridge, 1, do="survey", pythons=hanging(local.home))
        ask(bridge, 2, do="resources", directories=[])
        assert "ok" in answers(bridge, 1)[2]
        bridge._process.kill()
        bridge._process.wait()
    assert wait_gone(partial(with_home, local.home), SOON) == []


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "survey", "pythons": 7},
        {"do": "survey", "pythons": [None]},
        {"do": "survey", "pythons": ["\0"]},
        {"do": "survey", "pythons": ["x"] * 1000},
        {"do": "resources"},
        {"do": "resources", "directories": ["relative"]},
        {"do": "resources", "directories": {"/": 1}, "id": [[]]},
        {"do": "supervisors", "directories": [1]},
        {"do": "supervisors", "directories": "/"},
        {"do": "locate", "kernels": 7},
        {"do": "locate", "kernels": [7]},
        {"do": "locate", "kernels": [{}]},
        {"do": "locate", "kernels": [{"name": "x", "python": "auto"}] * 201},
        {"do": "tell"},
        {"do": "tell", "directory": "/x", "command": []},
        {"do": "tell", "directory": "\0", "command": {"do": "status"}},
        {"do": "tell", "directory": "/x", "command": {"do": "launch"}},
        {"do": "tell", "directory": "/x", "command": {"do": ["status"]}},
    ],
    ids=json.dumps,
)
def test_an_errand_that_makes_no_sense_is_answered(
    local: LocalSide, request_: dict[str, Any]
) -> None:
    with bridge_in(local.home) as bridge:
        ask(bridge, 1, **request_)
        answer = answers(bridge, 1)[1]
        _, status, complaints = bridge.finish()
    assert (status, complaints) == (0, "")
    if "ok" in answer:
        assert answer["ok"].get("supervisors", answer["ok"].get("files")) in ([], {"/": {}})
    else:
        assert set(answer["error"]) == {"kind", "message"}


@pytest.mark.parametrize("python", [OLDEST or sys.executable])
def test_errands_are_done_on_the_oldest_python_too(local: LocalSide, python: str) -> None:
    environment(local.home / "work/.venv")
    with bridge_in(local.home, python) as bridge:
        ask(bridge, 1, do="survey")
        ask(bridge, 2, do="supervisors")
        ask(bridge, 3, do="locate", kernels=[{"name": "none", "python": "auto"}])
        told = answers(bridge, 3)
        bridge.finish()
    assert told[3]["ok"]["kernels"][0]["error"]["kind"] == "missing"
    names = [each["environment"] for each in told[1]["ok"]["interpreters"]]
    assert "work" in names
    assert told[2]["ok"]["supervisors"] == []


def test_logos_are_files_of_a_bounded_size_directly_in_their_directory(local: LocalSide) -> None:
    folder = local.home / "spec"
    folder.mkdir()
    (folder / "logo-32x32.png").write_bytes(b"x" * (512 * 1024 + 1))
    (folder / "logo-64x64.png").symlink_to("/etc/passwd")
    os.mkfifo(folder / "logo-svg.svg")
    with bridge_in(local.home) as bridge:
        ask(bridge, 1, do="resources", directories=[str(folder)])
        told = answers(bridge, 1)[1]["ok"]
        bridge.finish()
    assert told["files"] == {str(folder): {}}
    assert len(told["problems"]) == 3
