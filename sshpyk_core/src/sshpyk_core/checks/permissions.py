"""What the server allows on a connection: forwarding, and how many sessions at a time."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from contextlib import AsyncExitStack

from sshpyk_core.checks.asking import python_command, running
from sshpyk_core.errors import ForwardError, LaunchError
from sshpyk_core.link.hello import BridgeHello
from sshpyk_core.shell import one_line
from sshpyk_core.transport import Transport
from sshpyk_core.transport_kit.deadline import Deadline
from sshpyk_core.types import Address, Finding, Session, TcpAddress, UnixAddress

__all__ = ["MOST_SESSIONS", "forwarding_allowed", "sessions_allowed"]

MOST_SESSIONS = 4
"""Sessions that are tried at the same time, besides that of the link."""

_SECONDS = 10.0

# Answers on a TCP port and on a unix socket with a word, for as long as its input is open.
_LISTENER = """
import os, select, shutil, signal, socket, sys, tempfile
def end(*_):
    raise SystemExit
signal.signal(signal.SIGALRM, end)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGHUP, end)
signal.alarm(40)
folder = tempfile.mkdtemp()
try:
    tcp = socket.socket()
    tcp.bind(("127.0.0.1", 0))
    path = os.path.join(folder, "s")
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(path)
    for each in (tcp, unix):
        each.listen(5)
    sys.stdout.write("\\n%s%d %s\\n" % (sys.argv[1], tcp.getsockname()[1], path))
    sys.stdout.flush()
    while True:
        ready = select.select([tcp, unix, 0], [], [])[0]
        if 0 in ready:
            break
        for each in ready:
            connection = each.accept()[0]
            connection.sendall(sys.argv[2].encode())
            connection.close()
finally:
    shutil.rmtree(folder)
"""


async def forwarding_allowed(
    transport: Transport, session: Session, hello: BridgeHello, *, tcp: bool, unix: bool
) -> list[Finding]:
    """Reach a port, and a unix socket, that a program of ours listens on there.

    Args:
        transport: that of the session.
        session: over which to forward.
        hello: of a bridge on it.
        tcp: whether the transport forwards TCP ports.
        unix: whether it forwards unix sockets.

    Raises:
        LaunchError: the server refuses to run that program.
    """
    word = secrets.token_hex(8)
    command, mark = python_command(hello, _LISTENER, word)
    findings: list[Finding] = []
    async with running(transport, session, command) as talk:
        try:
            line = await Deadline(_SECONDS).run(talk.line_after(mark))
        except asyncio.TimeoutError:
            line = None
        number, _, path = (line or "").partition(" ")
        if not number.isdecimal() or len(number) > 5 or not 0 < int(number) < 65536:
            cause = "whether ports can be forwarded was not found out: nothing listens on the host"
            return [Finding("info", cause, "Is there room in its /tmp? Try again.")]
        if tcp:
            came = await _reaches(transport, session, TcpAddress("127.0.0.1", int(number)), word)
            findings.append(_told("TCP ports", came, "AllowTcpForwarding yes"))
        if unix:
            came = await _reaches(transport, session, UnixAddress(path), word)
            findings.append(_told("unix sockets", came, "AllowStreamLocalForwarding yes"))
    return findings


def _told(what: str, came: bool, setting: str) -> Finding:
    if came:
        return Finding("ok", f"the server forwards {what}")
    cause = f"the server forwards no {what}; kernels do not need it"
    fix = f"Where `sshpyk forward` is wanted, its administrator sets `{setting}` in sshd_config."
    return Finding("info", cause, fix)


async def _reaches(transport: Transport, session: Session, there: Address, word: str) -> bool:
    try:
        forward = await Deadline(_SECONDS).run(
            transport.forward(session, TcpAddress("127.0.0.1", 0), there)
        )
    except (asyncio.TimeoutError, ForwardError):
        return False
    try:
        assert isinstance(forward.address, TcpAddress)
        heard = await Deadline(_SECONDS).run(_heard(forward.address, len(word)))
        return heard == word.encode()
    except (asyncio.TimeoutError, OSError):
        return False
    finally:
        await asyncio.shield(forward.aclose())


async def _heard(address: TcpAddress, length: int) -> bytes:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        # No more than that: the host may send without end.
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        return error.partial
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def sessions_allowed(transport: Transport, session: Session) -> list[Finding]:
    """Open some exec channels at the same time."""
    opened = 0
    async with AsyncExitStack() as stack:
        with contextlib.suppress(LaunchError, asyncio.TimeoutError):
            while opened < MOST_SESSIONS:
                await Deadline(_SECONDS).run(_open(stack, transport, session))
                opened += 1
    if opened == MOST_SESSIONS:
        cause = f"at least {opened} sessions at a time, besides the one that kernels share"
        return [Finding("ok", cause)]
    cause = f"{opened or 'no'} session{'s' * (opened != 1)} besides the one that kernels share"
    fix = "Kernels need no more; its administrator sets `MaxSessions` in sshd_config."
    return [Finding("info", cause, fix)]


async def _open(stack: AsyncExitStack, transport: Transport, session: Session) -> None:
    mark = secrets.token_hex(8)
    half = len(mark) // 2
    command = one_line(f'a={mark[:half]} b={mark[half:]}; echo "$a$b:"; exec cat >/dev/null')
    talk = await stack.enter_async_context(running(transport, session, command))
    if await talk.line_after(f"{mark}:".encode()) is None:
        raise LaunchError(session.target.alias, "open a session", "it ended at once")
