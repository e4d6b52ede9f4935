"""Whether a host's name resolves, whether its port answers, and whether that is SSH."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sshpyk_core.checks.first_hop import FirstHop
from sshpyk_core.errors import HostUnreachableError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.prompting.own_thread import begin
from sshpyk_core.transport_kit.deadline import Deadline
from sshpyk_core.transport_kit.route.tcp import connect_socket, unreachable
from sshpyk_core.types import Finding

__all__ = ["BANNER_SECONDS", "RESOLVE_SECONDS", "Resolved", "name_resolves", "port_answers"]

RESOLVE_SECONDS = 10.0
BANNER_SECONDS = 10.0
"""How long a server may take to say that it speaks SSH; ConnectTimeout sets less, as for ssh."""

_CONNECT_SECONDS = 10.0
_SILENT_SECONDS = 3.0
"""After so long we speak first, which tells a web server from a server that is stuck."""

_MOST_ADDRESSES = 8
_MOST_BANNER = 16 * 1024
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
_OUR_BANNER = b"SSH-2.0-sshpyk_doctor\r\n"


@dataclass(frozen=True)
class Resolved:
    """What a name stands for.

    Attributes:
        findings: about the name.
        addresses: in the order in which they are tried; empty when it does not resolve.
    """

    findings: list[Finding]
    addresses: tuple[str, ...] = ()


async def name_resolves(hop: FirstHop) -> Resolved:
    """Look up the host's name, as AddressFamily of ssh_config(5) wants it."""
    settings = hop.settings
    name = settings.hostname
    family = _FAMILIES.get((settings.get("addressfamily") or "any").lower(), socket.AF_UNSPEC)
    began = time.monotonic()

    def look_up() -> list[str]:
        found = socket.getaddrinfo(name, settings.port, family, socket.SOCK_STREAM)
        return [str(info[4][0]) for info in found]

    try:
        # On a thread that the end of the program does not wait for: nothing ends a look-up.
        looking_up = begin(look_up, "look-up")
        found = await asyncio.wait_for(looking_up, RESOLVE_SECONDS)
    except asyncio.TimeoutError:  # an OSError too, on Python >= 3.11
        return _not_resolved(hop, f"no answer within {RESOLVE_SECONDS:.0f} s")
    except (OSError, UnicodeError) as error:
        return _not_resolved(hop, str(getattr(error, "strerror", None) or error))
    addresses = tuple(dict.fromkeys(found))[:_MOST_ADDRESSES]
    took = _milliseconds(time.monotonic() - began)
    what = f"{hop.words}: " if hop.is_jump_host else ""
    cause = f"{what}{name} is {', '.join(addresses)} ({took})"
    return Resolved([Finding("ok", cause, step="name")], addresses)


def _not_resolved(hop: FirstHop, said: str) -> Resolved:
    name, alias = hop.settings.hostname, hop.settings.alias
    cause = f"the name of {hop.words}, {name}, does not resolve: {said}"
    fix = (
        f"See what the ssh configuration makes of the alias: `ssh -G {alias}`. If the name is"
        f" right, `getent hosts {name}` must find it: is a VPN needed?"
    )
    return Resolved([Finding("error", cause, fix, "name")])


async def port_answers(hop: FirstHop, addresses: Sequence[str]) -> list[Finding]:
    """Connect to each address, and read what the server says first (RFC 4253, 4.2)."""
    tries = await asyncio.gather(*(_try(hop.settings, address) for address in addresses))
    good = [each for each in tries if each.ok]
    if not good:
        words = "; ".join(dict.fromkeys(each.words for each in tries))
        return [Finding("error", words, _fix(hop, tries), "port")]
    findings = [Finding("ok", "; ".join(each.words for each in good), step="port")]
    for each in tries:
        if not each.ok:
            fix = _passing_over(hop, each, good)
            findings.append(Finding("warning" if each.slow else "info", each.words, fix, "port"))
    return findings


@dataclass(frozen=True)
class _Try:
    """What came of one address."""

    address: str
    words: str
    ok: bool = False
    slow: bool = False
    connected: bool = False

    @property
    def other(self) -> str:
        return "inet" if ":" in self.address else "inet6"


def _passing_over(hop: FirstHop, bad: _Try, good: Sequence[_Try]) -> str:
    if all(each.other != bad.other for each in good):
        return f"`AddressFamily {bad.other}` in the entry of {hop.settings.alias} passes it over."
    return f"Another address answers: name that one as HostName of {hop.settings.alias}."


def _fix(hop: FirstHop, tries: Sequence[_Try]) -> str:
    settings = hop.settings
    if any(each.connected for each in tries):
        return (
            f"Is {settings.port} the port of the SSH server? `Port` in the ssh configuration sets"
            f" another; see what is there: `ssh -v {settings.alias}`"
        )
    return unreachable(settings, "").fix


async def _try(settings: HostSettings, address: str) -> _Try:
    place = f"{address} port {settings.port}"
    limit = float(settings.connect_timeout or _CONNECT_SECONDS)
    # The settings of the host but for its name, so that BindAddress and the rest hold.
    there = replace(settings, entries=(("hostname", address), *settings.entries))
    began = time.monotonic()
    try:
        sock = await connect_socket(there, limit)
    except HostUnreachableError as error:
        return _Try(address, error.answer, slow="within" in error.answer)
    took = _milliseconds(time.monotonic() - began)
    try:
        patience = min(limit, BANNER_SECONDS)
        said = await _banner(sock, patience)
    finally:
        sock.close()
    if said.startswith(b"SSH-"):
        return _Try(address, f"{place} answers in {took}: {_shown(said)}", ok=True, connected=True)
    return _Try(address, f"{place} {_not_ssh(said, patience)}", connected=True)


def _not_ssh(said: bytes, seconds: float) -> str:
    if not said:
        return f"takes connections, but says nothing within {seconds:.0f} s"
    if said == _CLOSED:
        return "takes connections, and hangs up before it says anything"
    return f"does not speak SSH: it says {_shown(said)!r}"


_CLOSED = b"\0closed"


def _shown(said: bytes) -> str:
    text = said.decode("utf-8", "replace").strip()[:80]
    return "".join(each if each.isprintable() else " " for each in text)


async def _banner(sock: socket.socket, seconds: float) -> bytes:
    """Give the server's version line; else what it says instead."""
    heard = _Heard()
    try:
        await Deadline(seconds).run(_listen(sock, heard, seconds / 2))
    except asyncio.TimeoutError:
        pass
    except OSError:
        heard.ended = True
    line = next((each for each in heard.said.split(b"\n") if each.startswith(b"SSH-")), None)
    if line is not None:
        return line
    return heard.said or (_CLOSED if heard.ended else b"")


class _Heard:
    """What a server has said so far."""

    def __init__(self) -> None:
        self.said = b""
        self.ended = False


async def _listen(sock: socket.socket, heard: _Heard, silence: float) -> None:
    loop = asyncio.get_running_loop()
    speaking = asyncio.create_task(_speak(sock, min(silence, _SILENT_SECONDS)))
    try:
        while not _has_version(heard.said) and len(heard.said) < _MOST_BANNER:
            data = await loop.sock_recv(sock, 4096)
            if not data:
                heard.ended = True
                return
            heard.said += data
    finally:
        speaking.cancel()
        await asyncio.wait([speaking])


def _has_version(said: bytes) -> bool:
    return any(line.startswith(b"SSH-") for line in said.split(b"\n")[:-1])


async def _speak(sock: socket.socket, silence: float) -> None:
    await asyncio.sleep(silence)
    try:
        await asyncio.get_running_loop().sock_sendall(sock, _OUR_BANNER)
    except OSError:
        return


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "under 1 ms"
