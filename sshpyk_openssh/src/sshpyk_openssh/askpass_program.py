"""What ssh runs as SSH_ASKPASS: it hands the question to the process that started ssh.

Runs by itself, with the standard library only: ``PYTHON -I -S askpass_program.py SOCKET TEXT``. Its
one line of output is the answer; without one it ends with status 1 (ssh(1), SSH_ASKPASS).
"""

from __future__ import annotations

import json
import os
import socket
import sys


def main(path: str, text: str) -> int:
    """Ask over a unix socket: one line of JSON each way."""
    hint = os.environ.get("SSH_ASKPASS_PROMPT", "")
    question = {"pid": os.getppid(), "text": text, "hint": hint}
    with socket.socket(socket.AF_UNIX) as connection:  # type: ignore[attr-defined,unused-ignore]
        connection.connect(path)
        connection.sendall(json.dumps(question).encode("ascii") + b"\n")
        with connection.makefile("rb") as answers:
            line = answers.readline()
    answer = json.loads(line) if line else None
    if answer is None:
        return 1
    sys.stdout.buffer.write(answer.encode("utf-8", "surrogateescape") + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
