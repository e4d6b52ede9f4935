"""Commands for the far side: lines for its login shell, and programs for its Python."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sshpyk_core.shell import one_line, quote

__all__ = [
    "BLOCK_BYTES",
    "ECHO_SERVER",
    "FLOOD",
    "PRODUCE",
    "RECEIVE",
    "blocks",
    "checksum",
    "python",
    "sh",
]

BLOCK_BYTES = 1 << 20
_PATTERN = bytes(range(256)) * (BLOCK_BYTES // 256)

PRODUCE = """
import sys
pattern = bytes(range(256)) * 4096
for number in range(int(sys.argv[1])):
    sys.stdout.buffer.write(number.to_bytes(8, "big") + pattern[8:])
"""
"""Writes as many blocks as its argument says, each of BLOCK_BYTES and unlike the others."""

RECEIVE = """
import hashlib, sys
digest = hashlib.sha256()
size = 0
while True:
    data = sys.stdin.buffer.read(1 << 20)
    if not data:
        break
    digest.update(data)
    size += len(data)
print(size, digest.hexdigest())
"""
"""Reads its input to the end; writes how many bytes came and their SHA-256."""

FLOOD = """
import os, sys
block = bytes(1 << 16)
written = 0
with open(sys.argv[1], "w") as count:
    while written < 1 << 30:
        written += os.write(1, block)
        count.seek(0)
        count.write("%020d" % written)
        count.flush()
"""
"""Writes up to 1 GiB, and keeps in the file that its argument names how much was taken."""

ECHO_SERVER = """
import socket, sys, threading
path = sys.argv[1] if len(sys.argv) > 1 else None
server = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
server.bind(path or ("127.0.0.1", 0))
server.listen(20)
print(0 if path else server.getsockname()[1], flush=True)

def serve(connection):
    with connection:
        try:
            while True:
                data = connection.recv(1 << 16)
                if not data:
                    break
                connection.sendall(data)
            connection.sendall(b"the end")
        except OSError:
            pass

def accept():
    while True:
        connection = server.accept()[0]
        threading.Thread(target=serve, args=(connection,), daemon=True).start()

threading.Thread(target=accept, daemon=True).start()
sys.stdin.buffer.read()
"""
"""Gives back what comes, then ``the end``, on a unix socket if a path is given; prints its port.

It ends with its input.
"""


def sh(body: str) -> str:
    """Make a command of POSIX sh that any login shell passes on."""
    return one_line(body)


def python(interpreter: str, program: str, *arguments: str) -> str:
    """Make a command that runs a program in a Python there.

    Args:
        interpreter: the command of that Python.
        program: the source.
        arguments: for ``sys.argv[1:]``.
    """
    words = " ".join(quote(word) for word in (program.strip(), *arguments))
    return one_line(f"exec {interpreter} -I -S -c {words}")


def blocks(count: int) -> Iterator[bytes]:
    """Give what PRODUCE writes, block by block."""
    for number in range(count):
        yield number.to_bytes(8, "big") + _PATTERN[8:]


def checksum(count: int) -> str:
    """Give the SHA-256 of that many blocks."""
    digest = hashlib.sha256()
    for block in blocks(count):
        digest.update(block)
    return digest.hexdigest()
