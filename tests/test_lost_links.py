"""A link that is lost takes no part in anything any more, even where its channel still works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sshpyk_core.errors import LinkLostError
from sshpyk_core.link.attachment import Attachment
from sshpyk_core.link.link import Link
from sshpyk_core.remote import wire
from sshpyk_core.timers import LinkTimers
from support.held_channel import HeldChannel
from support.virtual_time import Clock, VirtualLoop


class Kernel:
    """Whose attachment it is: nothing is sent to it here."""

    def act(self, frame: wire.Frame) -> None:
        raise AssertionError(frame)

    def farewell(self, message: object) -> None:
        raise AssertionError(message)

    def data_sent(self, stream: int) -> None:
        raise AssertionError(stream)


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop(Clock())
    yield made
    made.close()


def test_who_attaches_to_a_lost_link_is_told_and_sends_nothing_over_it(loop: VirtualLoop) -> None:
    async def attach() -> tuple[Link, HeldChannel]:
        channel = HeldChannel(loop)
        hello = wire.json_frame(0, wire.HELLO, {"protocol": wire.PROTOCOL})
        link = Link("host", channel, hello.encode(), LinkTimers())
        await link.start()
        link.lose("it is night")
        attachment = Attachment("host", Kernel())
        answer = attachment.attach(link)
        attachment.courier.post(wire.COMMAND, 0, b"{}")
        attachment.resume({"received": 0, "waiting": 0})
        with pytest.raises(LinkLostError, match="it is night"):
            await answer
        return link, channel

    link, channel = loop.run_until_complete(attach())
    loop.turn()
    assert channel.carry_to_far(100) == 0
    loop.run_until_complete(link.aclose())
    channel.discard()
    channel.far_end.close()
