"""Words that are quoted for any login shell arrive as they were."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sshpyk_core.shell import one_line, quote
from support.require import require_shell

SHELLS = ("sh", "bash", "dash", "zsh", "csh", "tcsh", "fish")
NASTY = (
    "",
    "plain",
    "two words",
    "-n",
    "~",
    "*",
    "it's",
    'say "hi"',
    "wow! !! !$",
    "$HOME ${HOME} $(id) `id`",
    "back\\slash \\\\ \\n",
    "two\nlines",
    "\nleading newline and  spaces ",
    "tab\tbell\a",
    "größe 名前 🙂",
    "not utf-8 \udcff\udc80",
    "; exit 3 # & | < > ( ) { } [ ] ? ^ % =",
    "x" * 3000,
)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_word_arrives_as_it_was_through_every_login_shell(shell: str, tmp_path: Path) -> None:
    program = require_shell(shell)
    body = "; ".join(f'printf "%s@@" {quote(value)}' for value in NASTY)
    done = subprocess.run(
        [program, "-c", one_line(body)],
        capture_output=True,
        timeout=60,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    got = done.stdout.decode("utf-8", "surrogateescape").split("@@")
    assert got == [*NASTY, ""]
    assert done.stderr == b""


@pytest.mark.parametrize("value", ["ends in a newline\n", "\n", "nul\0"])
def test_a_word_that_sh_cannot_hold_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="a word of a command cannot"):
        quote(value)


@pytest.mark.parametrize("char", ["'", "!", "\\", "\n", "\t", "é", "\x7f"])
def test_a_body_that_some_shell_would_change_is_refused(char: str) -> None:
    with pytest.raises(ValueError, match="not every login shell"):
        one_line(f"echo {char}")


def test_a_quoted_word_is_always_allowed_in_a_body() -> None:
    for value in NASTY:
        assert one_line(f"echo {quote(value)}").startswith("exec sh -c '")
