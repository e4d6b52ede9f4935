"""What a supervisor keeps of its kernel's standard output and error, and gives by place."""

from __future__ import annotations

import os

from sshpyk_core.remote.output import KEPT_BYTES, MOST_AT_ONCE, SLACK, TAIL_BYTES, Output, Part
from sshpyk_core.remote.reactor import Reactor


def written(*pieces: bytes) -> Output:
    """Give what is kept of a process that wrote all this."""
    reactor = Reactor()
    output = Output(reactor)
    ours, theirs = os.pipe()
    output.follow(ours)
    for piece in pieces:
        for start in range(0, len(piece), 4096):
            os.write(theirs, piece[start : start + 4096])
            output.read()
    os.close(theirs)
    output.read()
    reactor.close()
    return output


def test_places_stay_the_same_when_the_oldest_goes() -> None:
    text = b"".join(b"%07d\n" % number for number in range(2 * KEPT_BYTES // 8))
    output = written(text)
    assert output.end == len(text)
    part = output.part(0)
    assert 0 < part.offset <= len(text) - KEPT_BYTES
    assert len(text) - part.offset <= KEPT_BYTES + SLACK
    assert part.data == text[part.offset : part.offset + MOST_AT_ONCE]
    assert output.part(len(text) - 8) == Part(len(text) - 8, text[-8:])
    assert output.part(10**12) == Part(len(text), b"")
    assert output.tail == text[-TAIL_BYTES:].decode().strip()


def test_the_supervisors_own_lines_are_lines_and_no_last_words() -> None:
    output = written(b"half a line")
    output.note("kernel python3 ended with exit status 1")
    said = output.part(0).data.decode()
    assert said.startswith("half a line\n[sshpyk ")
    assert said.endswith(" UTC] kernel python3 ended with exit status 1\n")
    assert output.tail == "half a line"
    output.forget_tail()
    assert output.tail == ""


def test_who_waits_gets_what_comes_or_nothing_when_time_is_up() -> None:
    reactor = Reactor()
    output = Output(reactor)
    heard: list[Part] = []
    output.when_more(0, 30, heard.append)
    output.when_more(5, 0.01, heard.append)
    output.note("x")
    assert len(heard) == 2
    output.when_more(output.end, 0.01, heard.append)
    reactor.call_later(0.05, reactor.stop)
    reactor.run()
    reactor.close()
    assert heard[2] == Part(output.end, b"")
