"""What a hostile host answers to the checks is bounded, and safe in a command to paste."""

from __future__ import annotations

import asyncio
import contextlib
import shlex

from sshpyk_core.answers import Reader
from sshpyk_core.checks.kernels import kernel_spec_there
from sshpyk_core.checks.permissions import _heard
from sshpyk_core.config import KernelConfig
from sshpyk_core.survey import Survey, System, _kernel
from sshpyk_core.types import TcpAddress
from support.serving import serving

EVIL = "/x; touch owned"


def test_the_flags_to_paste_are_words() -> None:
    kernel = {
        "name": "other",
        "python": EVIL,
        "environment": "",
        "display_name": "Other",
        "language": "",
        "interrupt_mode": "signal",
        "metadata": {},
        "resource_dir": "/r",
        "argv": ["x"],
        "resources": [],
    }
    system = System("Linux", "", "", "", "", "/", "", None)
    found = Survey(system, (), (_kernel(Reader("h", kernel)),), (), False)
    config = KernelConfig(ssh_host_alias="h", remote_kernel_name="wanted")
    (finding,) = kernel_spec_there(found, config, "mine")
    command = finding.fix.split("`")[1]
    assert shlex.split(command)[-1] == EVIL


async def test_a_port_that_sends_without_end_is_heard_for_one_word() -> None:
    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

    async with serving(flood) as port:
        heard = await asyncio.wait_for(_heard(TcpAddress("127.0.0.1", port), 16), 10)
    assert heard == b"x" * 16
