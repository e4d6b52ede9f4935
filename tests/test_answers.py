"""What a hostile host answers is refused or made harmless, and never shown as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sshpyk_core.answers import Reader
from sshpyk_core.errors import LinkError
from sshpyk_core.kernel.launch_request import Missed

from sshpyk_core import running_kernels, survey

ESCAPE = "\x1b]0;owned\x07"

KERNEL: dict[str, Any] = {
    "name": "python3",
    "python": "/usr/bin/python3",
    "environment": "",
    "display_name": "Python 3",
    "language": "python",
    "interrupt_mode": "signal",
    "metadata": {"debugger": True},
    "resource_dir": "/usr/share/jupyter/kernels/python3",
    "argv": ["python3"],
    "resources": ["logo-svg.svg"],
}

INTERPRETER: dict[str, Any] = {
    "executable": "/usr/bin/python3",
    "kind": "system",
    "environment": "",
    "prefix": "/usr",
    "version": "3.11.2",
    "ipykernel": None,
    "writable": False,
    "install": ["pip"],
    "problem": None,
}

RUNNING: dict[str, Any] = {
    "name": "0" * 32,
    "directory": "/home/me",
    "pid": 7,
    "since": 1.5,
    "attached": True,
    "answers": True,
    "elsewhere": False,
}

WRONG: list[Any] = [[], {}, 7.5, 10**400, float("nan"), float("inf"), "\ud800", ["\n"], {"x": 1}]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize(
    ("read", "good", "name"),
    [
        *((survey._kernel, KERNEL, name) for name in ("python", "name", "resource_dir")),
        (survey._kernel, KERNEL, "interrupt_mode"),
        *((survey._interpreter, INTERPRETER, name) for name in ("executable", "writable")),
        *((running_kernels._kernel, RUNNING, name) for name in ("pid", "attached", "directory")),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_its_place(
    read: Any, good: dict[str, Any], name: str, wrong: Any
) -> None:
    read(Reader("host", good))
    with pytest.raises(LinkError, match=f"answer.{name}") as caught:
        read(Reader("host", {**good, name: wrong}))
    assert caught.value.host == "host"
    assert caught.value.fix
    assert str(caught.value).replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["display_name", "language", "environment"])
def test_a_text_for_people_is_made_printable(name: str) -> None:
    kernel = survey._kernel(Reader("host", {**KERNEL, name: ESCAPE}))
    assert getattr(kernel, name) == "?]0;owned?"


@pytest.mark.parametrize("name", ["name", "python", "resource_dir", "interrupt_mode"])
def test_a_name_or_a_path_with_an_escape_in_it_is_refused(name: str) -> None:
    with pytest.raises(LinkError) as caught:
        survey._kernel(Reader("host", {**KERNEL, name: ESCAPE}))
    assert "\x1b" not in str(caught.value)


def test_a_secret_that_cannot_be_used_is_refused_and_not_shown() -> None:
    assert Reader("host", "a key").secret() == "a key"
    with pytest.raises(LinkError) as caught:
        Reader("host", "a key\n", "join.connection.key").secret()
    assert "join.connection.key" in str(caught.value)
    assert "a key" not in str(caught.value)


@pytest.mark.parametrize("since", [10**400, float("nan"), -1, "now", None])
def test_what_was_missed_since_no_time_is_since_a_time_unknown(since: Any) -> None:
    assert Missed.read({"bytes": 7, "full": True, "since": since}) == Missed(7, cut_short=True)


def test_lists_and_texts_are_bounded() -> None:
    with pytest.raises(LinkError):
        Reader("host", ["x"] * 3000).each(Reader.text)
    assert len(Reader("host", "x" * 10**6).text()) == 4096
    with pytest.raises(LinkError):
        Reader("host", "x" * 10**6).plain()
    with pytest.raises(LinkError):
        survey._content(Reader("host", "!!!!"))
    with pytest.raises(LinkError):
        survey._content(Reader("host", "A" * 10**6))


@pytest.mark.parametrize("value", ["[" * 60 + "]" * 60, "NaN", '{"a": [-Infinity]}'])
def test_metadata_that_no_file_should_hold_is_refused(value: str) -> None:
    metadata = {"x": json.loads(value)}
    with pytest.raises(LinkError, match="metadata is to be"):
        survey._kernel(Reader("h", {**KERNEL, "metadata": metadata}))
