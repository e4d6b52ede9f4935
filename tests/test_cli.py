"""The command ``sshpyk`` as such: its list of commands, and what that costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from sshpyk_core.cli import COMMANDS, main

HEAVY = ("asyncio", "asyncssh", "jupyter_client", "pluggy", "rich", "traitlets", "zmq")


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = "import sys; from sshpyk_core.cli import main; main(standalone_mode=False)\n"
    code += "print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.splitlines()) & set(HEAVY) == set()


def test_list_of_commands_says_what_each_says_of_itself() -> None:
    for command in COMMANDS.values():
        assert command.help == command.load().get_short_help_str(limit=100)


def test_every_command_is_listed() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    for name, command in COMMANDS.items():
        assert name in done.output
        assert command.help in done.output


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_examples_and_the_object_for_programs_in_80_columns(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"], terminal_width=80, prog_name="sshpyk")
    assert f"Examples:\n    sshpyk {name}" in done.output or f'"$(sshpyk {name}' in done.output
    assert ("The JSON object:" in done.output) == ("--json" in done.output.split("Options:")[1])
    assert max(map(len, done.output.splitlines())) <= 80


def test_every_command_is_in_the_table_of_the_documentation() -> None:
    page = Path(__file__).parents[1] / "docs/commands.md"
    told = re.findall(r"^\| \[?`sshpyk (\w+)", page.read_text(encoding="utf-8"), re.M)
    assert sorted(told) == sorted(COMMANDS)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("dmo", "Did you mean demo?"), ("wxyz", f"There are: {', '.join(COMMANDS)}.")],
)
def test_wrong_command_is_answered_with_right_ones(name: str, hint: str) -> None:
    done = CliRunner().invoke(main, [name])
    assert done.exit_code == click.UsageError.exit_code
    assert f"There is no command {name!r}. {hint}" in done.output
