"""What is said of kernels that run: IDs, ages, sizes, notes, and text for a terminal."""

from __future__ import annotations

from dataclasses import replace

import click
import pytest
from sshpyk_core.cli.destinations import Destination
from sshpyk_core.cli.logs.writing import TerminalText
from sshpyk_core.cli.ps.as_json import told
from sshpyk_core.cli.ps.show import show
from sshpyk_core.cli.ps.words import length, size
from sshpyk_core.cli.running_there.asking import HostAnswer
from sshpyk_core.cli.running_there.finding import KernelNotFoundError, chosen, merged
from sshpyk_core.cli.running_there.ids import WantedId, short_ids, wanted_id
from sshpyk_core.cli.target_flags import TargetFlags
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import HostUnreachableError
from sshpyk_core.running_kernels import Ended, RunningKernel, RunningKernels

NOW = 1_767_265_200.0
KERNEL = RunningKernel(
    name="0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    directory="/home/me/.cache/sshpyk/supervisors/0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    kernel="python3",
    owner="somebody@another",
    since=NOW - 7300,
    attached=False,
    attached_since=None,
    detached_since=NOW - 90,
    ends_at=NOW + 3 * 86400 + 5,
    pid=None,
    supervisor_pid=41233,
    returncode=-9,
    generation=1,
    session_name="/home/me/a\x1b[2J.ipynb",
    python=None,
    spool_memory=3 * 2**20,
    spool_disk=None,
    spool_full=True,
    memory=None,
    cpu_seconds=None,
    cpu_percent=None,
    answers=True,
    elsewhere=False,
    host="lab1",
)


def answer(alias: str, *kernels: RunningKernel, ended: tuple[Ended, ...] = ()) -> HostAnswer:
    """An answer of a host."""
    destination = Destination(KernelConfig.parse({"ssh_host_alias": alias}))
    return HostAnswer(destination, alias, RunningKernels(kernels, ended, NOW))


def test_ids_are_as_short_as_they_may_be() -> None:
    names = ["0" * 32, "0" * 12 + "1" * 20, "f" * 32]
    assert list(short_ids(names).values()) == ["0" * 13, "0" * 12 + "1", "f" * 8]
    assert short_ids([]) == {}


def test_id_may_name_its_host() -> None:
    assert wanted_id("0F1e") == WantedId("0f1e")
    assert wanted_id("lab:0f") == WantedId("0f", "lab")
    assert str(WantedId("0f", "lab")) == "lab:0f"
    for wrong in ("", "lab:", "0g", "0" * 33):
        with pytest.raises(click.BadParameter):
            wanted_id(wrong)


def test_lengths_and_sizes_are_short() -> None:
    assert [length(each) for each in (-5, 59.9, 60, 7300, 3 * 86400)] == [
        *("0 s", "59 s", "1 min", "2 h", "3 d")
    ]
    assert [size(each) for each in (None, 0, 1023, 1536, 80 * 2**20, 3 * 2**50)] == [
        *("-", "0 B", "1023 B", "1.5 KiB", "80 MiB", "3072.0 TiB")
    ]


def test_unusual_kernel_is_told_of_in_notes(capsys: pytest.CaptureFixture[str]) -> None:
    died = Ended("a" * 32, "its supervisor was killed (pid 5)")
    failed = HostAnswer(
        answer("down").destination,
        "down",
        error=HostUnreachableError("down", "connect", "no route\nto host", "Use a VPN."),
    )
    show([answer("lab", KERNEL, ended=(died,)), failed])
    shown = capsys.readouterr()
    heading, row = shown.out.splitlines()
    values = dict(zip(heading.split("\t"), row.split("\t"), strict=True))
    assert values["SINCE"] == "2 h ago"
    assert values["STATE"] == "detached 1 min, ends in 3 d"
    assert values["SPOOL"] == "3.0 MiB full"
    assert values["MEMORY"] == values["CPU"] == "-"
    assert values["NOTEBOOK"] == "/home/me/a?[2J.ipynb"
    assert values["NOTES"] == (
        "started by somebody@another; its process has ended with signal 9; "
        "the spool was full: output may be missing"
    )
    said = " ".join(shown.err.split())
    assert "down: could not connect: no route to host — Use a VPN." in said
    assert "lab: aaaaaaaa: its supervisor was killed (pid 5)" in said


def test_a_kernel_that_stays_has_no_end_to_tell_of(capsys: pytest.CaptureFixture[str]) -> None:
    show([answer("lab", replace(KERNEL, ends_at=None))])
    assert "\tdetached 1 min, stays\t" in capsys.readouterr().out


def test_kernel_that_two_hosts_tell_of_is_shown_where_it_runs() -> None:
    seen_from = answer("lab2", replace(KERNEL, elsewhere=True, answers=False))
    (found,) = merged([seen_from, answer("lab1", KERNEL)])
    assert found.answer.label == "lab1"
    (found,) = merged([seen_from])
    (facts,) = told([seen_from])["kernels"]
    assert (facts["host"], facts["runs_on"], facts["elsewhere"]) == ("lab2", "lab1", True)


def test_times_are_told_in_utc_and_in_seconds_of_the_hosts_clock() -> None:
    (facts,) = told([answer("lab", KERNEL)])["kernels"]
    assert facts["since"] == "2026-01-01T08:58:20.000Z"
    assert facts["since_seconds"] == -7300
    assert facts["attached_since"] is facts["attached_since_seconds"] is None


@pytest.mark.parametrize("pieces", [1, 3, 1000])
def test_terminal_gets_lines_and_colours_only(pieces: int) -> None:
    data = (
        "a\x1b[1;31mréd\x1b[0m\r\n50 %\r100 %\n\x1b[2Jx\x07\x9b\x1b]0;t\x07\ty".encode()
        + b"\xff\x1b["
    )
    text = TerminalText(colours=True)
    shown = "".join(text.feed(data[at : at + pieces]) for at in range(0, len(data), pieces))
    shown += text.end()
    assert shown == "a\x1b[1;31mréd\x1b[0m\n50 %\n100 %\n?[2Jx???]0;t?\ty\ufffd?[\x1b[0m"
    plain = TerminalText(colours=False)
    assert plain.feed(data[:14]) == "aréd"


def test_id_that_is_unknown_or_means_several_is_answered_with_what_there_is() -> None:
    other = replace(KERNEL, name="0f1e2d3c" + "a" * 24, kernel="ir")
    down = HostUnreachableError("down", "connect", "no route to host")
    answers = [
        answer("lab", KERNEL),
        answer("box", other),
        HostAnswer(answer("down").destination, "down", error=down),
    ]
    every, flags = merged(answers), TargetFlags()
    assert chosen(WantedId("0f1e2d3c4"), every, answers, flags).kernel == KERNEL
    assert chosen(WantedId("0f", "box"), every, answers, flags).kernel == other
    with pytest.raises(KernelNotFoundError) as several:
        chosen(WantedId("0f1e"), every, answers, flags)
    assert "\n  python3 0f1e2d3c4 on lab\n  ir 0f1e2d3ca on box" in str(several.value)
    with pytest.raises(KernelNotFoundError) as unknown:
        chosen(WantedId("77"), every, answers, flags)
    assert "no kernel with the ID 77 was found" in str(unknown.value)
    assert "down: could not connect: no route to host" in str(unknown.value)
