"""The ways from here to a kernel: each transport, to each kind of server.

A test that takes the fixture ``far`` or ``make_far`` runs once for each way that it allows, unless
its own ``parametrize`` says which ways it goes. There
are six, and all of them on every change would take too long: ``--ways=some``, the default, runs
each test over one, which differs from test to test; ``--ways=others`` runs what that leaves out,
and nothing else; ``--ways=all`` runs everything. Tests that would make the default too long are
marked ``others`` and run with those, over every way if they have any.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

__all__ = ["MARKERS", "TRANSPORTS", "Way", "add_option", "deselect", "parametrize"]

TRANSPORTS = ("openssh", "asyncssh", "paramiko")
SERVERS = ("sshd", "embedded")
MARKERS = (
    "ways(transports=..., servers=..., why=...): a test that cannot go every way, and why",
    "others: a test that runs only under --ways=others and --ways=all",
)


@dataclass(frozen=True)
class Way:
    """One transport to one kind of server."""

    transport: str
    server: str

    def __str__(self) -> str:
        return f"{self.transport}-{self.server}"


def add_option(parser: pytest.Parser) -> None:
    """Add ``--ways``."""
    help_text = "which transports and servers the end-to-end tests go over"
    choices = ("some", "others", "all")
    parser.addoption("--ways", choices=choices, default="some", help=help_text)


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a test its ways."""
    if "way" not in metafunc.fixturenames or _chooses(metafunc.definition):
        return
    allowed = _allowed(metafunc.definition.iter_markers("ways"))
    late = metafunc.definition.get_closest_marker("others") is not None
    some = [] if late else _some(metafunc.definition.nodeid, allowed)
    wanted = {
        "some": some,
        "others": [way for way in allowed if way not in some],
        "all": allowed,
    }[metafunc.config.getoption("--ways")]
    metafunc.parametrize("way", wanted, ids=str)


def deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that do not belong to the chosen ways."""
    wanted = config.getoption("--ways")
    if wanted == "all":
        return
    kept = [item for item in items if _belongs(item, wanted)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _belongs(item: pytest.Item, wanted: str) -> bool:
    if item.get_closest_marker("others"):
        return wanted == "others"
    callspec = getattr(item, "callspec", None)
    given_a_way = callspec is not None and "way" in callspec.params and not _chooses(item)
    return wanted == "some" or given_a_way


def _chooses(item: pytest.Item) -> bool:
    """Say whether a test is parametrized with its ways itself."""
    named = [mark.args[0] for mark in item.iter_markers("parametrize")]
    return any("way" in (re.split(r",\s*", n) if isinstance(n, str) else n) for n in named)


def _allowed(marks: Iterable[pytest.Mark]) -> list[Way]:
    transports, servers = set(TRANSPORTS), set(SERVERS)
    for mark in marks:
        assert mark.kwargs.get("why"), "a test that cannot go every way says why"
        transports &= set(mark.kwargs.get("transports", TRANSPORTS))
        servers &= set(mark.kwargs.get("servers", SERVERS))
    every = itertools.product(TRANSPORTS, SERVERS)
    return [Way(*way) for way in every if way[0] in transports and way[1] in servers]


def _some(nodeid: str, allowed: list[Way]) -> list[Way]:
    # Not hash(), which differs between the workers of one run.
    return [allowed[zlib.crc32(nodeid.encode()) % len(allowed)]]
