"""What goes over a bridge's channel: a wrapping plugin that keeps a copy, and how to read it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from sshpyk_core.remote import wire

from sshpyk_core import registry
from support.distributions import PLUGINS, Distributions
from support.sessions import close_hosts

__all__ = ["Tapped", "Wiretap"]

SOURCE = """
from sshpyk_core.hookspecs import hookimpl

calls = []
tape = []

class Writer:
    def __init__(self, inner):
        self.drain, self.close, self._write = inner.drain, inner.close, inner.write

    def write(self, data):
        tape.append(("sent", bytes(data)))
        self._write(data)

class Reader:
    def __init__(self, inner):
        self._inner = inner

    async def read(self, n=-1):
        data = await self._inner.read(n)
        tape.append(("read", data))
        return data

class Process:
    def __init__(self, inner):
        self.stdin, self.stdout = Writer(inner.stdin), Reader(inner.stdout)
        self.stderr, self.wait, self.terminate = inner.stderr, inner.wait, inner.terminate

@hookimpl(wrapper=True)
def sshpyk_connect():
    calls.append("connect")
    return (yield)

@hookimpl(wrapper=True)
def sshpyk_upload():
    calls.append("upload")
    return (yield)

@hookimpl(wrapper=True)
def sshpyk_forward():
    calls.append("forward")
    return (yield)

@hookimpl(wrapper=True)
def sshpyk_launch():
    calls.append("launch")
    return tapped((yield))

async def tapped(inner):
    return Process(await inner)
"""


class Tapped(NamedTuple):
    """One frame on the tape.

    Attributes:
        way: ``sent`` or ``read``, as seen from this side.
        frame: the frame.
    """

    way: str
    frame: wire.Frame


class Wiretap:
    """The plugin, in force while the block runs; connections made before it are closed."""

    def __init__(self, distributions: Distributions) -> None:
        """Install the plugin."""
        self._name = distributions.add("wiretap", "wiretap", SOURCE, group=PLUGINS)

    def __enter__(self) -> Wiretap:
        """Make every transport be loaded again, with the plugin."""
        close_hosts()
        registry.default_registry.cache_clear()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of all transports with the plugin."""
        close_hosts()
        registry.default_registry.cache_clear()

    @property
    def calls(self) -> list[str]:
        """The hooks that were called so far, by the second word of their names."""
        return list(self._module.calls) if self._module else []

    def frames(self) -> Iterator[Tapped]:
        """Give all frames of the one bridge that there was, in the order of sending and reading."""
        splitters = {"sent": wire.Splitter(), "read": wire.Splitter()}
        greeting = bytearray()
        greeted = False
        for way, data in list(self._module.tape):
            mine = data
            if way == "read" and not greeted:
                greeting += data
                _, mark, mine = bytes(greeting).partition(b":bridge\n")
                greeted = bool(mark)
            for frame in splitters[way].feed(mine):
                yield Tapped(way, frame)

    @property
    def _module(self) -> Any:
        return sys.modules.get(self._name)
