"""Whatever happens to the line, and whatever the kernel does meanwhile, nothing is lost.

Each cell of the matrix runs a kernel over one transport, lets one fault happen in one state of the
kernel, and holds everything that the client hears against what the kernel has said: every line and
every message once, in order, the reply and ``idle``.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.busy import STATES, Running, printing
from support.far import MakeFarSide
from support.faults import BACK, FAULTS
from support.managers import another_client
from support.transcript import begin, end, listening
from support.trial import KERNELS, on_trial
from support.ways import TRANSPORTS, Way

EVERY_RUN = {
    ("cut", "printing", "ipykernel", "openssh"),
    ("silence", "silent", "xpython", "asyncssh"),
    ("half-open", "input", "ipykernel", "paramiko"),
    ("server-restarted", "printing", "xpython", "paramiko"),
    ("bridge-killed", "idle", "xpython", "openssh"),
    ("refused", "50-MB", "ipykernel", "asyncssh"),
}
"""Each fault once, each transport twice, each state; the other cells run under --ways=others."""

MATRIX = [
    pytest.param(
        fault,
        state,
        kernel,
        Way(transport, "sshd"),
        id=f"{fault}-{state}-{kernel}-{transport}",
        marks=[] if (fault, state, kernel, transport) in EVERY_RUN else [pytest.mark.others],
    )
    for fault, state, kernel, transport in itertools.product(FAULTS, STATES, KERNELS, TRANSPORTS)
]

KERNELS_AND_WAYS = [
    pytest.param(kernel, Way(transport, "sshd"), id=f"{kernel}-{transport}")
    for kernel, transport in itertools.product(KERNELS, TRANSPORTS)
]


def test_the_cells_of_every_run_are_in_the_matrix() -> None:
    every_run = [cell for cell in MATRIX if not cell.marks]
    assert len(every_run) == len(EVERY_RUN) == len(FAULTS)
    assert len(MATRIX) == 180
    assert {cell.values[0] for cell in every_run} == set(FAULTS)
    assert {cell.values[1] for cell in every_run} == set(STATES)
    assert {cell.values[2] for cell in every_run} == set(KERNELS)
    assert {cell.values[3].transport for cell in every_run} == set(TRANSPORTS)


@pytest.mark.parametrize(("fault", "state", "kernel", "way"), MATRIX)
async def test_a_kernel_and_its_client_notice_nothing(
    fault: str, state: str, kernel: str, make_far: MakeFarSide
) -> None:
    async with on_trial(make_far(), kernel) as trial:
        heard = trial.heard
        await begin(heard)
        running = Running(heard, trial.line.server.home, trial.line.relay)
        await STATES[state](running, lambda: trial.line.broken(FAULTS[fault]))
        await end(heard, cells=list(heard.asked))


@pytest.mark.others
@pytest.mark.parametrize(("kernel", "way"), KERNELS_AND_WAYS)
async def test_two_clients_of_one_kernel_notice_nothing_of_a_cut(
    kernel: str, make_far: MakeFarSide
) -> None:
    async with (
        on_trial(make_far(), kernel) as trial,
        another_client(trial.manager) as client,
        listening(client) as second,
    ):
        first = trial.heard
        await begin(first, second)

        @asynccontextmanager
        async def cut_while_both_want_something() -> AsyncIterator[None]:
            async with trial.line.broken(FAULTS["cut"]):
                second.execute("print('by the second')")
                yield

        await printing(Running(first, trial.line.server.home), cut_while_both_want_something)
        await second.finished(second.asked[-1])
        cells = first.asked + second.asked
        await end(first, second, cells=cells)
        assert first.text(cells[0]) == second.text(cells[0])
        assert first.text(cells[1]) == second.text(cells[1]) == "by the second\n"


@pytest.mark.others
@pytest.mark.parametrize(("kernel", "way"), KERNELS_AND_WAYS)
async def test_ten_cuts_in_a_row_cost_a_cell_nothing(kernel: str, make_far: MakeFarSide) -> None:
    seed = int(os.environ.get("SSHPYK_SEED") or random.SystemRandom().randrange(10**6))
    print(f"again with SSHPYK_SEED={seed}")  # shown when the test fails
    moments = random.Random(seed)
    async with on_trial(make_far(), kernel) as trial:
        heard, line = trial.heard, trial.line

        async def cut_at(shortest: float, longest: float) -> None:
            await asyncio.sleep(moments.uniform(shortest, longest))
            await asyncio.to_thread(line.relay.cut)

        @asynccontextmanager
        async def ten_cuts() -> AsyncIterator[None]:
            for _ in range(5):
                await cut_at(1, 1.4)  # long enough for the next attempt to come at once
                async with line.until_said(BACK):
                    await cut_at(0, 0.5)  # before, in the midst of or after that attempt
            yield

        await begin(heard)
        await printing(Running(heard, line.server.home), ten_cuts)
        await end(heard, cells=list(heard.asked))
