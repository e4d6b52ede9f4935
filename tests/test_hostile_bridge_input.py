"""A bridge that is fed anything answers, or says farewell and ends: no traceback, no remains."""

from __future__ import annotations

import socket
from functools import partial
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sshpyk_core.remote import state, wire
from support.bridge_process import bridge_in
from support.local import LocalSide
from support.processes import wait_gone, with_home

SOON = 20.0

ODD_VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    2**32,
    10**400,
    1e308,
    float("inf"),
    float("nan"),
    "",
    "7",
    "../..",
    "\ud800",
    "\0",
    [],
    {},
    [[]],
    {"id": 1},
]

ATTACH = {"id": 1, "do": "attach", "handle": 7, "directory": "/nonexistent"}

SPAWN = {
    "id": 1,
    "do": "spawn",
    "handle": 7,
    "supervisor": "5" * 32,
    "token": "t",
    "spool_limit": 0,
    "spool_memory": 0,
    "detached_timeout": 60,
    "remote_dir": None,
    "owner": "a test",
}


def frame(kind: int, payload: bytes, *, handle: int = 0) -> bytes:
    return wire.Frame(handle, kind, 0, 0, payload).encode()


def request(**fields: Any) -> bytes:
    return frame(wire.REQUEST, wire.dumps(fields))


odd_requests = st.builds(
    lambda fields: request(**fields),
    st.fixed_dictionaries(
        {},
        optional={
            **{name: st.sampled_from([*ODD_VALUES, usual]) for name, usual in ATTACH.items()},
            "do": st.sampled_from([*ODD_VALUES, "attach", "resources", "supervisors", "tell"]),
            "directories": st.sampled_from([*ODD_VALUES, ["/nonexistent"]]),
            "command": st.sampled_from([*ODD_VALUES, {"do": "log", "wait": float("nan")}]),
        },
    ),
)
odd_frames = st.builds(
    frame,
    st.sampled_from(sorted(wire.KINDS)),
    st.sampled_from([b"", b"{}", b"\xff", b"[" * 100_000, b'{"id":' + b"9" * 5000 + b"}"]),
    handle=st.sampled_from([0, 1, 2**32 - 1]),
)


@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(said=st.lists(st.one_of(st.binary(max_size=60), odd_requests, odd_frames), max_size=8))
def test_whatever_a_bridge_is_told_it_answers_or_says_farewell(
    local: LocalSide, said: list[bytes]
) -> None:
    with bridge_in(local.home) as bridge:
        bridge.say(b"".join(said))
        heard, status, complaints = bridge.finish()
    assert (status, complaints) == (0, "")
    kinds = [each.kind for each in heard]
    assert kinds[0] == wire.HELLO
    assert set(kinds[1:]) <= {wire.PONG, wire.ANSWER, wire.FAREWELL}
    assert all(len(each.payload) < 10_000 for each in heard if each.kind != wire.PONG)


def test_each_odd_field_of_a_request_is_answered_with_an_error_or_a_farewell(
    local: LocalSide,
) -> None:
    said = [{**ATTACH, name: value} for name in ATTACH for value in ODD_VALUES]
    with bridge_in(local.home) as bridge:
        bridge.say(b"".join(request(**each) for each in said))
        heard, status, complaints = bridge.finish()
    assert (status, complaints) == (0, "")
    answers = [each.json() for each in heard if each.kind == wire.ANSWER]
    assert len(answers) == len(said)
    refused = [each["error"] for each in answers if "error" in each]
    assert all(set(each) == {"kind", "message"} for each in refused)
    farewells = [each.json() for each in heard if each.kind == wire.FAREWELL]
    assert {each["kind"] for each in farewells} == {"gone"}
    assert len(refused) + len(farewells) == len(said)


def test_json_that_is_nested_too_deep_ends_the_bridge_with_a_farewell(local: LocalSide) -> None:
    with bridge_in(local.home) as bridge:
        bridge.say(frame(wire.REQUEST, b"[" * 100_000))
        heard, status, complaints = bridge.finish()
    assert (status, complaints) == (0, "")
    assert [each.kind for each in heard] == [wire.HELLO, wire.FAREWELL]


def test_a_supervisor_that_takes_no_connections_does_not_hold_up_the_bridge(
    local: LocalSide,
) -> None:
    directory = local.home / ".cache/sshpyk/supervisors/" / ("1" * 32)
    directory.mkdir(mode=0o700, parents=True)
    with bridge_in(local.home) as bridge, socket.socket(socket.AF_UNIX) as stopped:
        stopped.bind(str(directory / state.SOCKET))
        stopped.listen(0)
        for handle in [1, 2, 3, 3, 4]:
            bridge.say(request(**{**ATTACH, "handle": handle, "directory": str(directory)}))
            bridge.say(frame(wire.ATTACH, b"{}", handle=handle))
        bridge.say(frame(wire.PING, b""))
        heard = list(takewhile(lambda each: each.kind != wire.PONG, bridge.hear()))
        _, status, complaints = bridge.finish()
    assert (status, complaints) == (0, "")
    answers = [each.json() for each in heard if each.kind == wire.ANSWER]
    assert len(answers) == 5
    assert all("ok" in each for each in answers)
    # It lives, for all that the bridge knows: none of them is told that it is gone.
    farewells = [each for each in heard if each.kind == wire.FAREWELL]
    assert {each.json()["kind"] for each in farewells} == {"unreachable"}
    assert {each.supervisor for each in farewells} <= {2, 3, 4}


def is_refusal(frame: wire.Frame) -> bool:
    """Say whether it tells that a supervisor cannot be made."""
    return frame.kind == wire.FAREWELL or (frame.kind == wire.ANSWER and "error" in frame.json())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("supervisor", each) for each in ["", ".", "..", "\ud800", "\0"]),
        *(("detached_timeout", each) for each in ["long", None, -1, float("nan"), float("inf")]),
        *(("spool_limit", each) for each in ["much", None, float("inf")]),
        ("remote_dir", "\0"),
    ],
    ids=repr,
)
def test_a_supervisor_that_cannot_be_made_says_so_and_leaves_nothing(
    local: LocalSide, name: str, value: Any
) -> None:
    supervisors = local.home / ".cache/sshpyk/supervisors"
    (supervisors / "other").mkdir(mode=0o700, parents=True)
    with bridge_in(local.home) as bridge:
        bridge.say(request(**{**SPAWN, name: value}))
        list(takewhile(lambda each: not is_refusal(each), bridge.hear()))
        _, status, complaints = bridge.finish()
    assert (status, complaints) == (0, "")
    assert [each.name for each in supervisors.iterdir()] == ["other"]
    assert list((supervisors / "other").iterdir()) == []
    assert wait_gone(partial(with_home, local.home), SOON) == []
