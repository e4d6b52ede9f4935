"""What a kernel publishes while nobody listens: it goes to the next who does, once and in order."""

from __future__ import annotations

import json
import random
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from support.publishing import Bench, Program


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Give a kernel and the part of a supervisor that is about iopub."""
    made = Bench(str(tmp_path))
    yield made
    made.close()


class Kernel(NamedTuple):
    """One of Jupyter's, on this machine, whose iopub port the bench is for."""

    manager: KernelManager
    client: BlockingKernelClient


@pytest.fixture
def ipykernel(bench: Bench) -> Iterator[Kernel]:
    """Give a real kernel, to which the bench connects."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels(iopub=False, stdin=False, hb=False)
    bench.port = manager.iopub_port
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def lines(first: int, stop: int) -> list[str]:
    return [f"line {number}" for number in range(first, stop)]


def listening(bench: Bench) -> Program:
    """Give a program whose client was the first to subscribe, and has heard something."""
    program = bench.program()
    program.listen()
    bench.subscribed()
    bench.publish(*lines(0, 10))
    program.until_heard(lines(0, 10))
    return program


def published_unheard(bench: Bench, first: int, stop: int) -> None:
    """Publish, and wait until it has been read from the kernel."""
    before = bench.publications.missed()["bytes"]
    bench.publish(*lines(first, stop))
    size = sum(len(line) + 9 for line in lines(first, stop))
    bench.until(lambda: bench.publications.missed()["bytes"] == before + size)


def test_the_next_program_hears_all_that_one_that_was_killed_has_not_taken(bench: Bench) -> None:
    listening(bench).vanish()
    published_unheard(bench, 10, 500)
    second = bench.program()
    second.listen()
    second.until_heard(lines(10, 500))
    bench.publish(*lines(500, 510))
    second.until_heard(lines(10, 510))
    assert bench.publications.missed() == {"bytes": 0, "full": False, "since": None}


def test_a_program_that_comes_back_loses_nothing_to_one_that_came_meanwhile(bench: Bench) -> None:
    first = listening(bench)
    first.vanish()
    published_unheard(bench, 10, 100)
    second = bench.program()
    second.listen()
    second.until_heard(lines(10, 100))
    first.attach()
    first.until_heard(lines(0, 100))
    bench.publish(*lines(100, 110))
    first.until_heard(lines(0, 110))
    second.until_heard(lines(10, 110))


def test_who_comes_while_another_listens_gets_only_what_comes(bench: Bench) -> None:
    first = listening(bench)
    second = bench.program()
    second.listen()
    bench.subscribed()
    bench.publish(*lines(10, 20))
    first.until_heard(lines(0, 20))
    second.until_heard(lines(10, 20))


def test_what_was_given_to_one_program_is_not_given_to_a_third(bench: Bench) -> None:
    listening(bench).vanish()
    published_unheard(bench, 10, 20)
    second = bench.program()
    second.listen()
    second.until_heard(lines(10, 20))
    second.vanish()
    published_unheard(bench, 20, 30)
    third = bench.program()
    third.listen()
    third.until_heard(lines(20, 30))


def test_a_program_that_closed_its_client_in_order_leaves_what_comes_to_the_next(
    bench: Bench,
) -> None:
    first = listening(bench)
    first.stop_listening()
    published_unheard(bench, 10, 300)
    assert bench.publications.missed()["since"] is not None
    second = bench.program()
    second.listen()
    second.until_heard(lines(10, 300))
    bench.publish("the last")
    second.until_heard([*lines(10, 300), "the last"])


def test_a_program_that_leaves_with_its_client_open_does_so_too(bench: Bench) -> None:
    first = listening(bench)
    first.leave()
    published_unheard(bench, 10, 20)
    second = bench.program()
    second.listen()
    second.until_heard(lines(10, 20))


def test_what_was_on_its_way_to_a_client_that_closed_goes_to_the_next(bench: Bench) -> None:
    first = listening(bench)
    first.holds_back = True
    bench.publish(*lines(10, 20))
    bench.until(lambda: first.held == sum(len(line) + 9 for line in lines(10, 20)))
    first.stop_listening()
    first.acknowledge()
    second = bench.program()
    second.listen()
    second.until_heard(lines(10, 20))


def test_a_message_that_was_taken_in_part_is_given_as_a_whole(bench: Bench) -> None:
    first = listening(bench)
    big = "x" * 3_000_000
    begun_at = first.received
    first.acknowledges = False
    bench.publish(big)
    bench.until(lambda: first.received > begun_at + 2)
    first.acknowledge(but=1)
    first.vanish()
    second = bench.program()
    second.listen()
    second.until_heard([big])


def test_a_message_too_long_to_be_kept_in_part_is_left_out_and_that_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshpyk_core.remote.tail.TAIL", 1000)
    first = listening(bench)
    big = "x" * 3_000_000
    begun_at = first.received
    first.acknowledges = False
    bench.publish(big, *lines(10, 20))
    bench.until(lambda: first.received > begun_at + 2)
    first.acknowledge(but=1)
    first.vanish()
    assert bench.publications.missed()["full"]
    second = bench.program()
    second.listen()
    second.until_heard(lines(10, 20))


def test_what_a_kernel_said_before_its_end_is_kept_and_the_next_process_is_heard(
    bench: Bench,
) -> None:
    first = listening(bench)
    first.stop_listening()
    published_unheard(bench, 10, 20)
    bench.restart()
    second = bench.program()
    second.listen()
    second.until_heard(lines(10, 20))
    bench.subscribed()
    bench.publish("from the next process")
    second.until_heard([*lines(10, 20), "from the next process"])


def test_a_client_that_goes_on_after_a_restart_gets_nothing_twice(bench: Bench) -> None:
    first = listening(bench)
    first.acknowledges = False
    bench.publish(*lines(10, 20))
    first.until_heard(lines(0, 20))
    bench.restart()
    bench.until(lambda: first.opened == 2)  # the same client, by a new connection
    first.acknowledges = True
    first.acknowledge()
    bench.subscribed()
    bench.publish("from the next process")
    first.until_heard([*lines(0, 20), "from the next process"])


def test_who_comes_back_and_goes_leaves_the_connection_to_the_other(bench: Bench) -> None:
    first = listening(bench)
    first.vanish()
    second = bench.program()
    second.listen()
    bench.subscribed()
    first.attach()
    bench.publish(*lines(10, 20))
    first.until_heard(lines(0, 20))
    first.stop_listening()
    bench.publish(*lines(20, 30))
    second.until_heard(lines(10, 30))
    second.stop_listening()
    published_unheard(bench, 30, 40)
    third = bench.program()
    third.listen()
    third.until_heard(lines(30, 40))


def both_listening(bench: Bench) -> tuple[Program, Program]:
    """Give two programs that have heard all there was since the second came."""
    first = listening(bench)
    second = bench.program()
    second.listen()
    bench.subscribed()
    bench.publish(*lines(10, 20))
    first.until_heard(lines(0, 20))
    second.until_heard(lines(10, 20))
    return first, second


def keepers(bench: Bench) -> int:
    """Count what is kept for whoever comes, and not for a program."""
    return sum(each.outlet.is_keeper for each in bench.publications._sinks())


def test_nothing_is_kept_for_others_any_more_when_one_that_gets_it_all_is_back(
    bench: Bench,
) -> None:
    first, second = both_listening(bench)
    first.vanish()
    bench.publish(*lines(20, 30))
    second.until_heard(lines(10, 30))
    second.stop_listening()
    assert keepers(bench) == 1
    published_unheard(bench, 30, 40)
    first.attach()
    first.until_heard(lines(0, 40))
    assert keepers(bench) == 0
    first.vanish()
    published_unheard(bench, 40, 50)
    third = bench.program()
    third.listen()
    third.until_heard(lines(40, 50))


def test_one_that_is_given_up_leaves_nothing_where_another_has_heard_more(bench: Bench) -> None:
    first, second = both_listening(bench)
    first.vanish()
    bench.publish(*lines(20, 30))
    second.until_heard(lines(10, 30))
    second.vanish()
    first.leave()
    assert keepers(bench) == 0
    published_unheard(bench, 30, 40)
    third = bench.program()
    third.listen()
    third.until_heard(lines(30, 40))


def test_bytes_that_are_no_messages_pass_all_the_same(bench: Bench) -> None:
    kernel = socket.create_server(("127.0.0.1", 0))
    bench.port = kernel.getsockname()[1]
    client = bench.program().raw(b"what a client says")
    bench.until(lambda: bool(select.select([kernel], [], [], 0)[0]))
    connection = kernel.accept()[0]
    connection.sendall(b"what no kernel says")
    bench.until(lambda: len(select.select([client, connection], [], [], 0)[0]) == 2)
    assert client.recv(100) == b"what no kernel says"
    assert connection.recv(100) == b"what a client says"
    for each in (client, connection, kernel):
        each.close()


# --- a full spool --------------------------------------------------------------------------------


KIB = 1024
TEXT = "t" * 1000


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Bench]:
    """Give one whose spools hold little."""
    made = Bench(str(tmp_path), memory=100 * KIB, disk=200 * KIB)
    yield made
    made.close()


def test_nobody_who_listens_is_held_up_for_somebody_who_does_not(small: Bench) -> None:
    first = listening(small)
    first.vanish()
    second = small.program()
    second.listen()
    small.subscribed()
    small.publish("the first")
    second.until_heard(["the first"])
    wanted = ["the first", *[TEXT] * 1000]
    small.publish(*wanted[1:])
    second.until_heard(wanted)
    first.attach()
    small.until(lambda: bool(first.events))
    assert (first.events, second.events) == (["spool-full"], [])
    assert not small.budget.was_full
    # Its client comes back by a connection of its own, for what is published from then on.
    small.subscribed()
    small.publish("the last")
    second.until_heard([*wanted, "the last"])
    small.until(lambda: first.hear()[-1] == "the last")


def test_what_is_too_much_to_be_copied_is_handed_on(small: Bench) -> None:
    first = listening(small)
    first.vanish()
    small.publish(*[TEXT] * 200)
    small.until(lambda: small.publications.missed()["bytes"] > 200 * len(TEXT))
    second = small.program()
    second.listen()
    second.until_heard([TEXT] * 200)
    first.attach()
    small.until(lambda: first.events == ["spool-full"])
    assert second.events == []


def test_a_spool_that_is_full_with_nobody_there_is_told_of(small: Bench) -> None:
    first = listening(small)
    first.stop_listening()
    small.publish(*[TEXT] * 3000)
    small.until(lambda: bool(small.publications.missed()["full"]))
    assert small.budget.was_full
    second = small.program()
    second.listen()
    second.until_heard([TEXT] * 3000)  # which this kernel has kept
    assert small.budget.stopped == 0


# --- who cannot be helped ------------------------------------------------------------------------


def test_what_is_encrypted_passes_and_is_not_kept(bench: Bench) -> None:
    public, secret = zmq.curve_keypair()
    bench.kernel.setsockopt(zmq.CURVE_SERVER, 1)
    bench.kernel.setsockopt(zmq.CURVE_SECRETKEY, secret)
    bench.port = bench.kernel.bind_to_random_port("tcp://127.0.0.1")
    first = bench.program()
    first.listen(server_key=public)
    bench.subscribed()
    bench.publish(*lines(0, 10))
    first.until_heard(lines(0, 10))
    first.vanish()
    assert bench.publications.missed()["bytes"] == 0
    second = bench.program()
    second.listen(server_key=public)
    bench.subscribed()
    bench.publish(*lines(10, 20))
    second.until_heard(lines(10, 20))


def test_a_client_that_speaks_otherwise_than_the_one_before_is_let_to_the_kernel(
    bench: Bench,
) -> None:
    listening(bench).vanish()
    second = bench.program()
    reply = second.raw(b"\xff" + bytes(8) + b"\x7f\x01")
    bench.until(lambda: second.opened == 1 and second.closed == 1)
    assert reply.recv(1) == b"\xff"
    reply.close()
    second.listen()
    bench.subscribed()
    bench.publish("for both")
    second.until_heard(["for both"])


def test_a_program_that_is_silent_while_something_waits_does_not_listen(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshpyk_core.remote.attachment.SILENCE", 0.05)
    first = listening(bench)
    first.holds_back = True
    published_unheard_by_the_silent(bench, first)
    second = bench.program()
    second.listen()
    second.until_heard(lines(10, 20))


def published_unheard_by_the_silent(bench: Bench, program: Program) -> None:
    bench.publish(*lines(10, 20))
    bench.until(lambda: program.held > 0 and not program.attachment.listens)
    bench.until(lambda: bench.publications.missed()["bytes"] == sum(map(len, lines(10, 20))) + 90)


# --- a real kernel -------------------------------------------------------------------------------


def printed(messages: list[str]) -> str:
    contents = [json.loads(each) for each in messages]
    return "".join(each["text"] for each in contents if each.get("name") == "stdout")


def test_every_line_of_a_cell_is_heard_once_though_its_program_was_killed(
    bench: Bench, ipykernel: Kernel, tmp_path: Path
) -> None:
    first = bench.program()
    first.listen()
    shell = ipykernel.client.shell_channel
    while not first.hear():  # a kernel does not say when it has subscribed somebody
        ipykernel.client.kernel_info()
        bench.until(lambda: bool(shell.msg_ready()))
        shell.get_msg(timeout=0)
    go_on = tmp_path / "go on"
    cell = f"""
import os, time
for number in range(40):
    print("line", number, flush=True)
    while number == 9 and not os.path.exists({str(go_on)!r}):
        time.sleep(0.01)
"""
    wanted = "".join(f"line {number}\n" for number in range(40))
    ipykernel.client.execute(cell)
    bench.until(lambda: "line 9\n" in printed(first.hear()))
    first.vanish()
    go_on.touch()
    bench.until(lambda: bool(shell.msg_ready()))
    second = bench.program()
    second.listen()
    bench.until(lambda: any('"idle"' in each for each in second.hear()))
    assert printed(first.heard) + printed(second.heard) == wanted


# --- one after the other, however they go --------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_programs_that_follow_each_other_hear_everything_once(bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    published = 10
    program = listening(bench)
    for _ in range(8):
        how = chance.choice((Program.vanish, Program.stop_listening, Program.leave))
        how(program)
        unheard = published
        for _ in range(chance.randint(0, 3)):
            published_unheard(bench, published, published + 20)
            published += 20
        restarted = published > unheard and chance.random() < 0.3
        if restarted:
            bench.restart()
        program = bench.program()
        program.listen()
        program.until_heard(lines(unheard, published))
        bench.subscribed()
        bench.publish(*lines(published, published + 5))
        published += 5
        program.until_heard(lines(unheard, published))
