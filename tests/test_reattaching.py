"""Both halves of the wire over connections that are late, cut and overlap: all arrives, once."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sshpyk_core.link.stream import HIGH_WATER as CLIENT_HIGH_WATER
from sshpyk_core.remote import wire
from sshpyk_core.remote.courier import ACK_BYTES, GREETING
from sshpyk_core.remote.reactor import READ_SIZE
from sshpyk_core.remote.spool import DISK_PIECE
from support.far_half import LAUNCH, FarHalf
from support.held_channel import HeldChannel
from support.near_half import NearHalf
from support.talkers import Talker
from support.virtual_time import Clock

KIB = 1024
PORTS = (wire.PORTS.index("shell"), wire.PORTS.index("iopub"), wire.PORTS.index("control"))

SPOOL_MEMORY = 256 * KIB
SPOOL_DISK = 1024 * KIB

UNDER_WAY = len(PORTS) * wire.WINDOW + ACK_BYTES + wire.CHUNK
"""Bytes of streams that a half keeps at most: a window for each, and what is acknowledged late."""

ASYNCIO_READ = 256 * KIB
"""Bytes that asyncio reads from a client at once."""

ENOUGH = 10**9
IDLE_ROUNDS = 100
"""Rounds of half a second in which nothing moves: then nothing will.

That is longer than a dead link goes unnoticed.
"""

PATIENT_ROUNDS = 20
"""Such rounds after which a supervisor's answer has taken too long."""

BEGUN, GREETED, ASKED, ANSWERED = range(4)
"""How far a new connection gets: the bridge's greeting, the request to attach, its answer."""

port_numbers = st.sampled_from(PORTS)
amounts = st.one_of(
    st.integers(1, 300), st.sampled_from([wire.CHUNK - 1, 300 * KIB, 3 * wire.WINDOW // 4])
)
pieces = st.one_of(st.integers(1, 60), st.sampled_from([1000, wire.CHUNK, ENOUGH]))
channel_ages = st.integers(0, 2)
moments = st.sampled_from([0.05, 0.3, 2.0, 6.0, 12.0])


class TwoHalves(RuleBasedStateMachine):
    """Near half, far half and what is under way between them."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.far = FarHalf(self.clock, memory=SPOOL_MEMORY, disk=SPOOL_DISK)
        self.near = NearHalf(self.clock, self.far.directory, self.far.token)
        self.channels: list[HeldChannel] = []
        self.told: list[str] = []
        self.happened: list[str] = []

    @initialize()
    def launch(self) -> None:
        self.connect(ANSWERED)
        self.near.command("launch", request=LAUNCH)
        self.flow_until(lambda: self.near.answers() == ["done"] and not self.far.unacknowledged())
        self.told.append("done")

    # --- what the two halves do by themselves ------------------------------------------------

    def work(self) -> None:
        for _ in range(2):
            self.near.turn()
            self.far.turn()

    def flow(self) -> int:
        """Let everything on the newest channel go on; return how many bytes have."""
        moved = 0
        for _ in range(3):
            moved += self.channels[-1].carry_to_far(ENOUGH)
            moved += self.channels[-1].carry_to_near(ENOUGH)
            self.work()
        return moved

    def flow_until(self, happened: object) -> None:
        assert callable(happened)
        idle = 0
        while not happened():
            if not self.near.linked:
                self.connect(ANSWERED)
            if not self.flow() + self.talk():
                idle += 1
                self.clock.now += 0.5
                if self.near.attaching and idle % PATIENT_ROUNDS == 0:
                    self.near.attach_again()
            assert idle < IDLE_ROUNDS, f"it does not happen: {self.state()}"

    def talk(self) -> int:
        """Let everybody hear, and say what could not be said yet; return how many bytes."""
        talkers = [*self.near.talkers.values(), *self.far.talkers.values()]
        return sum(each.push() + each.hear(ENOUGH) for each in talkers)

    def state(self) -> dict[str, object]:
        def of(talkers: dict[int, Talker]) -> dict[int, tuple[int, int]]:
            return {port: (each.said, each.heard) for port, each in talkers.items()}

        return {
            "clients said and heard": of(self.near.talkers),
            "the kernel said and heard": of(self.far.talkers),
            "answers": (len(self.told), len(self.near.answers())),
            "kept": (self.near.unacknowledged(), self.far.unacknowledged()),
            "linked": self.near.linked,
            "attaching": self.near.attaching,
        }

    # --- the clients and the kernel ----------------------------------------------------------

    @rule(port=port_numbers)
    def open(self, port: int) -> None:
        if port not in self.near.talkers:
            self.far.talkers[port] = Talker(100 + port, port)
            self.near.open(port, Talker(port, 100 + port))

    @rule(port=port_numbers)
    def kernel_listens(self, port: int) -> None:
        self.far.listen(port)
        self.work()

    @rule(port=port_numbers, size=amounts, of_kernel=st.booleans())
    def say(self, port: int, size: int, of_kernel: bool) -> None:
        talkers = self.far.talkers if of_kernel else self.near.talkers
        if port in talkers:
            talkers[port].say(size)
            self.work()

    @rule(port=port_numbers, size=amounts, of_kernel=st.booleans())
    def hear(self, port: int, size: int, of_kernel: bool) -> None:
        talkers = self.far.talkers if of_kernel else self.near.talkers
        if port in talkers:
            talkers[port].hear(size)
            self.work()

    @rule(port=port_numbers, of_kernel=st.booleans())
    def leave(self, port: int, of_kernel: bool) -> None:
        talkers = self.far.talkers if of_kernel else self.near.talkers
        if port in talkers:
            talkers[port].leave()
            self.work()

    @rule()
    def command(self) -> None:
        words = f"say {len(self.told)}"
        self.near.command(words)
        self.told.append(f"bad command: ValueError({'unknown command ' + repr(words)!r})")
        self.work()

    @rule()
    def event(self) -> None:
        attachment = self.far.supervisor.attachment
        assert attachment is not None
        self.happened.append(f"event {len(self.happened)}")
        attachment.post(wire.EVENT, {"event": self.happened[-1]})
        self.work()

    # --- the network -------------------------------------------------------------------------

    def channel(self, age: int) -> HeldChannel:
        """Give the newest channel (age 0) or an older one."""
        return self.channels[max(0, len(self.channels) - 1 - age)]

    @rule(progress=st.sampled_from([BEGUN, GREETED, ASKED, ANSWERED]))
    def connect(self, progress: int) -> None:
        channel = HeldChannel(self.near.loop)
        channel.skip(self.far.bridge(channel.far_end))
        self.channels.append(channel)
        self.near.connect(channel)
        self.work()
        carries = (channel.carry_to_near, channel.carry_to_far, channel.carry_to_near)
        for carry in carries[:progress]:
            carry(ENOUGH)
            for _ in range(3):
                self.work()

    @rule(age=channel_ages, size=pieces)
    def carry_to_far(self, age: int, size: int) -> None:
        self.channel(age).carry_to_far(size)
        self.work()

    @rule(age=channel_ages, size=pieces)
    def carry_to_near(self, age: int, size: int) -> None:
        self.channel(age).carry_to_near(size)
        self.work()

    @rule(age=st.integers(1, 2))
    def what_is_late_arrives(self, age: int) -> None:
        self.channel(age).carry_to_far(ENOUGH)
        self.channel(age).carry_to_near(ENOUGH)
        self.work()

    @rule(turns=st.integers(1, 20))
    def carry_all(self, turns: int) -> None:
        for _ in range(turns):
            if not self.flow() + self.talk():
                break

    @rule(age=channel_ages)
    def near_hears_of_the_end(self, age: int) -> None:
        self.channel(age).end_for_near()
        self.work()

    @rule(age=channel_ages)
    def far_hears_of_the_end(self, age: int) -> None:
        self.channel(age).end_for_far()
        self.work()

    @rule(age=channel_ages)
    def all_under_way_is_lost(self, age: int) -> None:
        self.channel(age).discard()
        self.work()

    @rule(age=channel_ages, back=st.integers(0, 9), to_far=st.booleans())
    def a_frame_comes_again(self, age: int, back: int, to_far: bool) -> None:
        channel = self.channel(age)
        (channel.repeat_to_far if to_far else channel.repeat_to_near)(back)
        self.work()

    @precondition(lambda self: self.near.attaching)
    @rule()
    def the_answer_takes_too_long(self) -> None:
        self.near.attach_again()
        self.work()

    @rule(seconds=moments)
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds
        self.work()

    # --- what must hold ----------------------------------------------------------------------

    @invariant()
    def nothing_goes_wrong(self) -> None:
        assert not self.near.troubles
        assert self.near.client.gone is None

    @invariant()
    def commands_and_events_come_once_and_in_order(self) -> None:
        done, results = self.far.supervisor.done, self.near.client.results
        assert done == list(range(1, len(done) + 1))
        assert sorted(results) == sorted(set(results))
        assert self.near.answers() == self.told[: len(self.near.answers())]
        events = [each for each in self.near.client.events if each.startswith("event")]
        assert events == self.happened[: len(events)]

    @invariant()
    def memory_is_bounded(self) -> None:
        if not self.channels:
            return
        assert self.near.kept() <= UNDER_WAY
        assert self.far.kept() <= UNDER_WAY
        assert self.near.waiting_for_link() <= CLIENT_HIGH_WATER + ASYNCIO_READ
        assert self.near.waiting_for_clients() <= wire.WINDOW
        assert self.far.waiting_for_kernel() <= len(PORTS) * wire.WINDOW
        budget = self.far.budget
        assert budget.in_memory <= SPOOL_MEMORY + READ_SIZE + len(PORTS) * DISK_PIECE
        assert budget.on_disk <= SPOOL_DISK + len(PORTS) * READ_SIZE

    def is_complete(self) -> bool:
        for port, client in self.near.talkers.items():
            kernel = self.far.talkers[port]
            left_silently = client.left and client.said <= GREETING and not kernel.is_connected
            if not left_silently and not (heard_all(kernel, client) and heard_all(client, kernel)):
                return False
        return (
            self.near.answers() == self.told
            and [each for each in self.near.client.events if each.startswith("event")]
            == self.happened
            and not self.near.unacknowledged() + self.far.unacknowledged()
        )

    def teardown(self) -> None:
        try:
            if self.channels:
                self.carry_all(3)
                for port in PORTS:
                    self.far.listen(port)
                self.flow_until(self.is_complete)
                self.nothing_goes_wrong()
                self.commands_and_events_come_once_and_in_order()
        finally:
            self.near.close()
            self.far.close()
            for channel in self.channels:
                channel.discard()


def heard_all(hearer: Talker, sayer: Talker) -> bool:
    """Say whether one has heard what the other said, as far as TCP itself would let it.

    Who leaves with something unheard resets the connection, and what is still under way is lost.
    """
    if hearer.left:
        return True
    if sayer.left and sayer.heard < hearer.said:
        return hearer.heard_end
    return hearer.heard == sayer.said and hearer.heard_end == sayer.left


def test_an_older_connection_that_attaches_late_does_not_take_over() -> None:
    halves = TwoHalves()
    halves.launch()
    halves.connect(GREETED)
    halves.connect(ANSWERED)
    halves.what_is_late_arrives(1)
    halves.command()
    halves.teardown()


def test_what_an_older_connection_brings_late_is_taken_from_the_newer_one_only() -> None:
    halves = TwoHalves()
    halves.launch()
    halves.open(PORTS[0])
    halves.kernel_listens(PORTS[0])
    halves.say(PORTS[0], 3 * wire.CHUNK, of_kernel=False)
    halves.command()
    halves.connect(ANSWERED)
    halves.what_is_late_arrives(1)
    halves.teardown()


def test_a_supervisor_that_is_asked_again_over_the_same_link_may_answer_both_times() -> None:
    halves = TwoHalves()
    halves.launch()
    for _ in range(3):
        halves.event()
    halves.connect(ASKED)
    halves.the_answer_takes_too_long()
    halves.carry_all(10)
    halves.teardown()


def test_a_client_that_leaves_before_the_kernel_listens_is_heard_all_the_same() -> None:
    halves = TwoHalves()
    halves.launch()
    halves.open(PORTS[0])
    halves.say(PORTS[0], 3 * wire.CHUNK, of_kernel=False)
    halves.leave(PORTS[0], of_kernel=False)
    halves.teardown()


def test_a_client_that_comes_and_leaves_in_an_outage_is_heard_if_it_said_more_than_hello() -> None:
    for port in PORTS[:2]:
        halves = TwoHalves()
        halves.launch()
        halves.near_hears_of_the_end(0)
        halves.open(port)
        halves.say(port, GREETING + 1, of_kernel=False)
        halves.leave(port, of_kernel=False)
        halves.teardown()


def test_a_stall_in_the_middle_of_attaching_does_not_pass_for_the_supervisors_end() -> None:
    halves = TwoHalves()
    halves.launch()
    halves.connect(GREETED)
    # The bridge is asked to reach the supervisor; what is meant for that comes much later.
    halves.carry_to_far(0, halves.channel(0).under_way - 1)
    for _ in range(3):
        halves.time_passes(6.0)
        halves.work()
    assert halves.near.linked
    halves.command()
    halves.teardown()


TwoHalves.TestCase.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, database=None
)
# Long enough for Hypothesis to find the shortest example of a failure.
TestTwoHalves = pytest.mark.timeout(600)(TwoHalves.TestCase)
