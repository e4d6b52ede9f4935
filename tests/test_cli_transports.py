"""``sshpyk transports``: what is installed, for people on any terminal, and for programs."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sshpyk_core.cli import main
from sshpyk_core.cli.transports.command import transports
from sshpyk_core.declaration import Capability
from support.distributions import PLUGINS, TRANSPORT, Distributions, distributions

__all__ = ["distributions"]  # the fixture

DECLARED = f"""
from dataclasses import dataclass
from sshpyk_core.declaration import Capability, Declaration
from sshpyk_core.transport_kit.options import flag, integer, option, words
{TRANSPORT}
@dataclass(frozen=True)
class Options:
    window: int = option(2, integer(1, 9), "how many bytes")
    fast: bool = option(False, flag, "whether to hurry")
    words: tuple = option((), words, "what to say")

DECLARATION = Declaration(Options, frozenset({{Capability.NETWORK, Capability.EXIT_SIGNALS}}))
"""
WRAPPER = """
from sshpyk_core.hookspecs import hookimpl

@hookimpl(wrapper=True)
def sshpyk_signal(pid):
    return (yield)
"""
ESCAPE = "\x1b"
COLOUR = re.compile(r"\x1b\[(\d+;)*3\d(;\d+)*m")
RUN = [sys.executable, "-c", "from sshpyk_core.cli import main; main()", "transports"]


def run(
    distributions: Distributions, *arguments: str, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as a program, in a pipe, with these distributions installed."""
    path = {**os.environ, "PYTHONPATH": str(distributions.folder), **env}
    return subprocess.run([*RUN, *arguments], env=path, capture_output=True, text=True, check=False)


def on_terminal(distributions: Distributions, **env: str) -> str:
    """Run the command on a terminal; give what it wrote."""
    ours, theirs = pty.openpty()
    path = {**os.environ, "PYTHONPATH": str(distributions.folder), "TERM": "xterm-256color", **env}
    process = subprocess.Popen(RUN, env=path, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    with os.fdopen(ours, "rb", 0) as reading:
        try:
            while data := reading.read(4096):
                written += data
        except OSError:  # Linux says so when the last of the other side is closed
            pass
    process.wait()
    return written.decode()


def told(distributions: Distributions, **env: str) -> dict[str, Any]:
    """Give what ``--json`` says."""
    said: dict[str, Any] = json.loads(run(distributions, "--json", **env).stdout)
    return said


def entry(listed: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Give the one entry of a name."""
    (found,) = [one for one in listed if one["name"] == name]
    return found


def test_json_tells_all_that_a_transport_says_of_itself(distributions: Distributions) -> None:
    module = distributions.add("sshpyk-here", "here", DECLARED, version="4.2")
    assert entry(told(distributions)["transports"], "here") == {
        "name": "here",
        "distribution": "sshpyk-here",
        "version": "4.2",
        "module": module,
        "usable": True,
        "problem": None,
        "capabilities": ["exit-signals", "network"],
        "options": [
            {
                "name": "window",
                "takes": "a number from 1 to 9",
                "default": 2,
                "help": "how many bytes",
            },
            {
                "name": "fast",
                "takes": "true or false",
                "default": False,
                "help": "whether to hurry",
            },
            {"name": "words", "takes": "a list of texts", "default": None, "help": "what to say"},
        ],
    }


def test_json_lists_what_wraps_every_transport(distributions: Distributions) -> None:
    module = distributions.add("audit-log", "audit", WRAPPER, group=PLUGINS, version="2.0")
    assert entry(told(distributions)["plugins"], "audit") == {
        "name": "audit",
        "distribution": "audit-log",
        "version": "2.0",
        "module": module,
        "usable": True,
        "problem": None,
    }


def test_what_a_plugin_prints_when_it_is_imported_does_not_get_into_the_json(
    distributions: Distributions,
) -> None:
    distributions.add("sshpyk-here", "here", f"print('hello')\n{TRANSPORT}")
    done = run(distributions, "--json")
    assert entry(json.loads(done.stdout)["transports"], "here")["usable"]
    assert "hello" in done.stderr


def test_every_word_of_the_json_is_in_the_help(distributions: Distributions) -> None:
    distributions.add("audit-log", "audit", WRAPPER, group=PLUGINS)
    distributions.add("sshpyk-here", "here", DECLARED)
    distributions.add("sshpyk-bad", "bad", "raise OSError")

    def words(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*(words(each) for each in value.values()))
        return set().union(*(words(each) for each in value)) if isinstance(value, list) else set()

    assert transports.help
    assert words(told(distributions)) <= set(re.findall(r"\w+", transports.help))


def test_openssh_is_usable_where_there_is_ssh(distributions: Distributions) -> None:
    done = run(distributions, "--json")
    openssh = entry(json.loads(done.stdout)["transports"], "openssh")
    assert openssh["usable"], openssh["problem"]
    assert openssh["version"] == version("sshpyk-openssh")
    assert Capability.SSH_CONFIG.value in openssh["capabilities"]
    assert "multiplex" in [each["name"] for each in openssh["options"]]


def test_a_missing_program_is_named(distributions: Distributions, tmp_path: Path) -> None:
    openssh = entry(told(distributions, PATH=str(tmp_path))["transports"], "openssh")
    assert not openssh["usable"]
    assert openssh["problem"]["cause"] == "not on PATH: ssh"
    assert openssh["capabilities"]


def test_exit_status_tells_whether_all_can_be_used(distributions: Distributions) -> None:
    distributions.add("sshpyk-here", "here")
    whole = run(distributions, "--json")
    assert json.loads(whole.stdout)["usable"] is (whole.returncode == 0)
    assert whole.returncode == 0, whole.stdout
    distributions.add("sshpyk-bad", "bad", "raise OSError")
    spoilt = run(distributions, "--json")
    assert json.loads(spoilt.stdout)["usable"] is False
    assert spoilt.returncode == 1
    assert run(distributions).returncode == 1


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_no_transport_at_all_is_said_with_the_way_to_one(arguments: list[str]) -> None:
    # -S leaves site-packages out, so only what the path holds before it is emptied is installed.
    code = (
        f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}\n"
        "import importlib.metadata as metadata\n"
        "from sshpyk_core.cli.transports import inventory, show, as_json, command\n"
        "sys.path[:] = []\n"
        "command.transports()\n"
    )
    command = [sys.executable, "-I", "-S", "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    if arguments:
        assert json.loads(done.stdout) == {"usable": False, "transports": [], "plugins": []}
    else:
        assert "No transport is installed" in done.stdout
        assert "pip install sshpyk-openssh" in done.stdout


@pytest.mark.parametrize("columns", [60, 200])
def test_lines_fit_the_width(distributions: Distributions, columns: int) -> None:
    distributions.add("sshpyk-here", "here", DECLARED)
    distributions.add("sshpyk-bad", "bad", "import nothing_of_that_name")
    distributions.add("audit-log", "audit", WRAPPER, group=PLUGINS)
    shown = run(distributions, COLUMNS=str(columns)).stdout
    assert max(map(len, shown.splitlines())) <= min(columns, 88)
    words = " ".join(shown.split())
    assert "here (sshpyk-here 1.0): usable" in words
    assert "can do exit-signals, network" in words
    assert "window how many bytes takes a number from 1 to 9; default 2" in words
    assert "words what to say takes a list of texts; not given by default" in words
    assert "bad (sshpyk-bad 1.0): not usable" in words
    assert "why plugin 'bad'" in words
    assert "fix upgrade sshpyk-bad or remove it" in words
    assert "Plugins that wrap every transport" in words
    assert "audit (audit-log 1.0): usable" in words


def test_a_pipe_gets_plain_text(distributions: Distributions) -> None:
    assert ESCAPE not in run(distributions).stdout


def test_a_terminal_gets_colours_unless_no_color_is_set(distributions: Distributions) -> None:
    distributions.add("sshpyk-bad", "bad", "raise OSError")
    assert COLOUR.search(on_terminal(distributions))
    plain = on_terminal(distributions, NO_COLOR="1")
    assert not COLOUR.search(plain)
    assert "not usable" in plain


def test_a_terminal_without_unicode_gets_words_for_signs(distributions: Distributions) -> None:
    distributions.add("sshpyk-bad", "bad", "raise OSError")
    shown = run(distributions, PYTHONIOENCODING="ascii").stdout
    assert "x bad (sshpyk-bad 1.0): not usable" in shown
    assert "ok openssh" in shown


def test_help_has_examples() -> None:
    done = CliRunner().invoke(main, ["transports", "--help"])
    assert "Examples:\n    sshpyk transports\n    sshpyk transports --json\n" in done.output
