"""A host's settings where there is no ssh to ask: the files of ssh_config(5), read as ssh does.

Canonical names are not looked up. A Match word that can only be judged by ssh itself makes a block
that does not hold, which is said.
"""

from __future__ import annotations

import getpass
import glob
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sshpyk_core.errors import ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.ssh_config import validate_alias
from sshpyk_core.transport_kit.patterns import matches
from sshpyk_core.transport_kit.settings.config_line import checked, parse_line
from sshpyk_core.transport_kit.settings.usual import config_files, system_folder, with_usual
from sshpyk_core.types import Target

__all__ = ["Reading", "read_files"]

_MANY_LINES = frozenset({"identityfile", "certificatefile", "sendenv"})
_MAX_DEPTH = 16
_EXEC_LIMIT_SECONDS = 20.0


@dataclass(frozen=True)
class Reading:
    """What was read for a host.

    Attributes:
        settings: what holds.
        left_out: the lines that were not understood, as phrases.
    """

    settings: HostSettings
    left_out: tuple[str, ...]


def read_files(target: Target, overrides: Mapping[str, str]) -> Reading:
    """Read the user's and the system's files, or the one that the target names; may block.

    Args:
        target: whose alias and ssh config file to use.
        overrides: keywords and values that win over the files.

    Raises:
        ConfigError: the alias is not one.
        ConnectError: a file cannot be read or understood.
    """
    validate_alias(target.alias)
    user, _, name = target.alias.rpartition("@")
    reader = _Reader(name)
    try:
        for keyword, value in overrides.items():
            reader.take(*parse_line(f"{keyword} {value}"))
        if user:
            reader.take("user", [user])
        files = config_files(target)
        reader.read_all(files)
        if reader.wants_final:
            reader.final = True
            reader.read_all(files)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        file = getattr(error, "filename", None)
        said = f"{file}: {getattr(error, 'strerror', error)}" if file else str(error)
        fix = "Correct the ssh configuration that the message names."
        raise ConnectError(target.alias, "read its ssh settings", said, fix) from error
    return Reading(with_usual(target, reader.entries), tuple(dict.fromkeys(reader.left_out)))


class _Reader:
    """Reads files for one host; what is found first holds.

    Attributes:
        entries: keywords in lower case and values, as ``ssh -G`` would print them.
        left_out: blocks that were passed over.
        final: whether this is the second time that the files are read.
        wants_final: whether there is a `Match final`, for which they have to be.
    """

    def __init__(self, name: str) -> None:
        self.entries: list[tuple[str, str]] = [("host", name)]
        self.left_out: list[str] = []
        self.final = self.wants_final = False
        self._name = name
        self._folder = ""

    def read_all(self, files: list[str]) -> None:
        """Read the files, one after the other."""
        for file in files:
            system = os.path.dirname(file) == system_folder()
            self._folder = system_folder() if system else os.path.expanduser("~/.ssh")
            self._read(file, 0)

    def _read(self, file: str, depth: int) -> None:
        holds = True
        with open(file, encoding="utf-8", errors="surrogateescape") as lines:
            for number, line in enumerate(lines, 1):
                place = f"{file} line {number}"
                try:
                    keyword, words = parse_line(line)
                    if keyword == "host":
                        holds = matches(self._name, words)
                    elif keyword == "match":
                        holds = self._holds(words, f"all of {line.strip()!r} ({place})")
                    elif keyword == "include" and holds:
                        self._include(words, depth + 1)
                    elif keyword and holds:
                        self.take(keyword, words)
                except ValueError as error:
                    raise ValueError(f"{place}: {error}") from error

    def _include(self, patterns: list[str], depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ValueError(f"Include is nested more than {_MAX_DEPTH} times")
        for pattern in patterns:
            for file in sorted(glob.glob(os.path.join(self._folder, os.path.expanduser(pattern)))):
                if os.path.isfile(file):
                    self._read(file, depth)

    def take(self, keyword: str, words: list[str]) -> None:
        """Take the values of a keyword, unless others hold already.

        Raises:
            ValueError: they are no values of that keyword.
        """
        values = checked(keyword, words)
        if keyword == "hostname":
            tokens = {"%h": self._name, "%%": "%"}
            values = [re.sub("%[h%]", lambda found: tokens[found[0]], values[0]).lower()]
        if self._is_settled(keyword):
            return
        for value in values:
            if keyword == "sendenv" and value.startswith("-"):
                self.entries = [
                    (key, name)
                    for key, name in self.entries
                    if key != "sendenv" or not matches(name, [value[1:]])
                ]
            elif (keyword, value) not in self.entries:
                self.entries.append((keyword, value))

    def _is_settled(self, keyword: str) -> bool:
        first = dict(reversed(self.entries))
        if keyword == "proxyjump":
            return not first.keys().isdisjoint({"proxyjump", "proxycommand"})
        if keyword == "proxycommand" and first.get("proxyjump", "none").lower() != "none":
            return True
        return keyword in first and keyword not in _MANY_LINES

    def _holds(self, words: list[str], block: str) -> bool:
        """Judge the words of a Match line; say it where that cannot be done here."""
        holds = True
        for word, argument in _conditions(words):
            attribute = word.lstrip("!").lower()
            if attribute == "all":
                found: bool | None = True
            elif attribute in ("canonical", "final"):
                self.wants_final |= attribute == "final"
                found = self.final
            elif attribute == "exec":
                found = holds and self._succeeds(argument)
            else:
                found = self._fits(attribute, argument)
            if holds and found is None:
                self.left_out.append(block)
                return False
            holds = holds and found != word.startswith("!")
        return holds

    def _fits(self, attribute: str, patterns: str) -> bool | None:
        settings = HostSettings(self._name, tuple(self.entries))
        if attribute == "host":
            return matches(settings.hostname.lower(), patterns.lower().split(","))
        values = {
            "originalhost": self._name,
            "user": settings.user,
            "localuser": getpass.getuser(),
            "tagged": settings.get("tag") or "",
        }
        value = values.get(attribute)
        return None if value is None else matches(value, patterns.split(","))

    def _succeeds(self, command: str) -> bool:
        line = HostSettings(self._name, tuple(self.entries)).expand(command)
        null = subprocess.DEVNULL
        done = subprocess.run(  # noqa: S602 - the user's own line, which ssh runs so too
            line,
            shell=True,
            stdin=null,
            stdout=null,
            timeout=_EXEC_LIMIT_SECONDS,
            check=False,
        )
        return done.returncode == 0


def _conditions(words: list[str]) -> Iterator[tuple[str, str]]:
    """Pair the words of a Match line with their arguments."""
    rest = list(words)
    while rest:
        word, is_pair, argument = rest.pop(0).partition("=")
        if not is_pair and word.lstrip("!").lower() not in ("all", "canonical", "final"):
            if not rest:
                raise ValueError(f"Match {word} has no argument")
            argument = rest.pop(0)
        yield word, argument
