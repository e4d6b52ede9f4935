"""Programs use kernels on other machines through the Python API."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.api import Kernel, Message, RemoteHost, connect
from sshpyk_core.errors import (
    ConfigError,
    KernelEndedError,
    KernelSpecNotFoundError,
    KernelTimeoutError,
    LocalSpecError,
    SupervisorGoneError,
)
from support.far import FarSide, MakeFarSide
from support.kernels import (
    remote_bash_kernel,
    remote_ir_kernel,
    remote_kernel,
    remote_xpython_kernel,
)

pytestmark = pytest.mark.ways(servers=["sshd"], why="a program here does not see it")

ENDLESS = "print('begun', flush=True)\nwhile True: pass"
LAST_WORDS = """
import os, time
for line in range(2001): print(f"{line:0100d}", flush=True)
time.sleep(0.2)  # until its own threads have written it
os._exit(3)
"""

FORGETFUL = """
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

class Forgetful(Kernel):
    implementation, implementation_version, banner = "forgetful", "1", ""
    language_info = {"name": "none", "mimetype": "text/plain", "file_extension": ".txt"}
    forgets = ""

    def do_execute(self, code, *_args, **_options):
        self.forgets = code
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code})
        if code == "reply":
            raise KeyboardInterrupt
        return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

    def _publish_status(self, status, channel, *args, **options):
        if channel == "control":  # as IRkernel
            return
        if status == self.forgets:
            self.forgets = ""
        else:
            super()._publish_status(status, channel, *args, **options)

IPKernelApp.launch_instance(kernel_class=Forgetful)
"""


def until(gate: Path) -> str:
    """Give code that waits until a file is there."""
    return f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)"


async def print_to(printed: list[str], messages: AsyncIterator[Message]) -> None:
    """Read messages to their end; keep what they print."""
    async for message in messages:
        if message["header"]["msg_type"] == "stream":
            printed.append(message["content"]["text"])


@asynccontextmanager
async def there(far: FarSide, **settings: Any) -> AsyncIterator[RemoteHost]:
    """Be connected to the host."""
    transport, config = far.way.transport, far.server.ssh_config
    async with connect(
        far.server.alias, transport=transport, ssh_config=config, **settings
    ) as host:
        yield host


@asynccontextmanager
async def kernel_there(far: FarSide, **settings: Any) -> AsyncIterator[Kernel]:
    """Have a kernel there."""
    async with there(far) as host:
        yield await host.start(**settings)


async def test_code_runs_there_and_its_output_comes_here(far: FarSide) -> None:
    code = (
        "import sys, os\nfrom IPython.display import display, HTML\n"
        "print('home is', os.environ['HOME'])\nprint('careful', file=sys.stderr)\n"
        "shown = display(HTML('<b>old</b>'), display_id='one')\nshown.update(HTML('<b>new</b>'))\n"
        "6 * 7"
    )
    async with kernel_there(far) as kernel:
        result = await kernel.run(code)
        assert result.status == "ok"
        assert result.text == f"home is {far.server.home}\n"
        assert result.errors == "careful\n"
        assert [each.data.get("text/html") for each in result.outputs] == ["<b>new</b>", None]
        assert (result.value, result.execution_count) == ("42", 1)
        failed = await kernel.run("1 / 0")
        assert failed.status == "error"
        assert failed.error is not None
        assert failed.error.name == "ZeroDivisionError"
        asked = await kernel.run("input('Password: ')")
        assert asked.error is not None
        assert asked.error.name == "StdinNotImplementedError"
    assert far.left_behind() == []


async def test_messages_come_while_the_code_runs(far: FarSide) -> None:
    async with kernel_there(far) as kernel:
        kinds = []
        async for message in kernel.stream("print('one')\nprint(input)"):
            kinds.append(message["header"]["msg_type"])
        assert kinds[:2] == ["status", "execute_input"]
        assert kinds[-2:] == ["status", "execute_reply"]
        # Who stops reading leaves it running, and the next has its turn after it.
        async for message in kernel.stream(ENDLESS):
            if message["header"]["msg_type"] == "stream":
                break
        waiting = asyncio.create_task(kernel.run("print('next')"))
        await kernel.interrupt()
        assert (await waiting).text == "next\n"


async def test_code_of_several_tasks_runs_one_after_the_other(far: FarSide) -> None:
    async with kernel_there(far) as kernel:
        results = await asyncio.gather(
            kernel.run("a = 1; print('first')"),
            kernel.run("1 / 0"),
            kernel.run("print(a)"),
        )
        assert [each.status for each in results] == ["ok", "error", "ok"]
        assert [each.text for each in results] == ["first\n", "", "1\n"]


async def test_code_that_is_given_up_is_interrupted_and_code_not_begun_never_runs(
    far: FarSide,
) -> None:
    async with kernel_there(far) as kernel:
        await kernel.run("ran = []")
        await kernel.begin(f"ran.append(1)\n{ENDLESS}")
        with pytest.raises(KernelTimeoutError, match=r"after 0\.3 s"):
            await kernel.run("ran.append(2)", timeout=0.3)
        await kernel.interrupt()
        assert (await kernel.run("ran")).value == "[1]"
        with pytest.raises(KernelTimeoutError, match=f"{far.server.alias}: could not run code"):
            await kernel.run(ENDLESS, timeout=0.3)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(kernel.run(f"ran.append(3)\n{ENDLESS}"), 0.3)
        assert (await kernel.run("ran")).value == "[1, 3]"


async def test_the_death_of_a_kernel_ends_what_waits_for_it_with_its_status(far: FarSide) -> None:
    async with kernel_there(far, shutdown_time=0.2) as kernel:
        printed: list[str] = []
        with pytest.raises(KernelEndedError, match="status 3"):
            await print_to(printed, kernel.stream(LAST_WORDS))
        assert "".join(printed).splitlines()[-1] == f"{2000:0100d}"
        with pytest.raises(KernelEndedError, match="Restart it"):
            await kernel.run("1")
        assert (kernel.returncode, await kernel.wait()) == (3, 3)
        await kernel.restart()
        assert (await kernel.run("6 * 7")).value == "42"
        await kernel.begin(ENDLESS)
        waiting = asyncio.create_task(kernel.run("1"))
        await asyncio.sleep(0)
        await kernel.stop()
        with pytest.raises(KernelEndedError, match="it was stopped"):
            await waiting
        with pytest.raises(KernelEndedError, match="let go of it"):
            await kernel.run("1")
        await kernel.stop()
    assert far.left_behind() == []


async def test_kernels_are_listed_and_stopped_by_their_id(far: FarSide) -> None:
    async with there(far) as host:
        assert await host.kernels() == ()
        assert "python3" in [each.name for each in await host.kernel_specs()]
        kernel = await host.start(name="train", cwd="/tmp", env={"COLOUR": "blue"})
        seen = await kernel.run("import os; print(os.getcwd(), os.environ['COLOUR'])")
        assert seen.text == "/tmp blue\n"
        (found,) = await host.kernels()
        assert (found.id, found.kernel, found.name) == (kernel.id, "python3", "train")
        assert found.attached
        assert found.pid == int((await kernel.run("os.getpid()")).value or 0)
        with pytest.raises(SupervisorGoneError, match="no kernel with that ID"):
            await host.stop("no-such-kernel")
        await host.stop(kernel.id[:8])
        await kernel.wait()
        assert await host.kernels() == ()
    assert far.left_behind() == []


async def test_a_lost_connection_is_a_delay_and_nothing_else(far: FarSide) -> None:
    gate = far.server.home / "gate"
    try:
        async with kernel_there(far) as kernel:
            waiting = asyncio.create_task(
                kernel.run(f"print('before')\n{until(gate)}\nprint('after')\n6 * 7", timeout=60)
            )
            (bridge,) = far.bridges()
            os.kill(bridge.pid, signal.SIGKILL)
            gate.touch()
            result = await waiting
            assert (result.text, result.value) == ("before\nafter\n", "42")
            assert (await kernel.run("6 * 7")).value == "42"
    finally:
        gate.unlink(missing_ok=True)
    assert far.left_behind() == []


async def test_what_cannot_be_is_said_before_anything_is_started(far: FarSide) -> None:
    with pytest.raises(ConfigError, match="either the alias"):
        async with connect(far.server.alias, spec="far"):
            pass
    with pytest.raises(LocalSpecError, match="no-such-spec"):
        async with connect(spec="no-such-spec"):
            pass
    async with there(far) as host:
        with pytest.raises(ConfigError, match="did you mean remote_precmd"):
            await host.start(remote_precommand="module load python")
        with pytest.raises(KernelSpecNotFoundError, match="no-such-kernel"):
            await host.start("no-such-kernel")
        with pytest.raises(SupervisorGoneError, match="no kernel with that ID"):
            await host.attach("0123")
    assert far.left_behind() == []


async def test_a_program_leaves_a_kernel_and_another_comes_back_to_it(far: FarSide) -> None:
    async with there(far) as host:
        kernel = await host.start(persistent=True, env={"COLOUR": "blue"})
        await kernel.run("x = 6; import os; os.environ['MADE'] = 'by hand'")
        await kernel.leave()
        with pytest.raises(KernelEndedError, match="let go of it"):
            await kernel.run("x")
    async with there(far) as host:
        (found,) = await host.kernels()
        assert (found.id, found.attached, found.ends_at) == (kernel.id, False, None)
        async with await host.attach(found.id[:8]) as again, await host.attach(found.id) as second:
            assert (again.id, again.name) == (kernel.id, "python3")
            assert (await again.run("x * 7")).value == "42"
            assert (await second.run("x")).value == "6"
            await again.restart()
            result = await again.run("print(os.environ['COLOUR'] if 'x' in dir() else 'anew')")
            assert result.text == "anew\n"
            assert (await again.run("import os; print(os.environ['COLOUR'])")).text == "blue\n"
            assert (await second.run("6 * 7")).value == "42"
        (found,) = await host.kernels()
        assert not found.attached
        await host.stop(found.id)
    assert far.left_behind() == []


async def test_what_a_kernel_does_is_followed_after_coming_back(far: FarSide) -> None:
    gate = far.server.home / "gate"
    code = (
        f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\nprint('done')"
    )
    try:
        async with there(far) as host:
            kernel = await host.start(persistent=True)
            await kernel.begin(code)
        async with there(far) as host, await host.attach(kernel.id) as again:
            missed = [message async for message in again.missed()]
            assert "stream" not in [message["header"]["msg_type"] for message in missed]
        async with there(far) as host, await host.attach(kernel.id) as again:
            following = again.missed(follow=True)
            gate.touch()
            printed: list[str] = []
            await print_to(printed, following)
            assert printed == ["done\n"]
            await again.stop()
    finally:
        gate.unlink(missing_ok=True)
    assert far.left_behind() == []


async def test_what_was_published_while_nobody_was_there_is_missed_once(far: FarSide) -> None:
    gate, over = far.server.home / "gate", far.server.home / "over"
    code = f"{until(gate)}\nfor n in range(3000): print(n)\nopen({str(over)!r}, 'w').close()"
    try:
        async with there(far) as host:
            kernel = await host.start(persistent=True)
            await kernel.begin(code)
        gate.touch()
        async with there(far) as host:
            # It says that it is over by a file, as whoever attaches would no longer miss anything.
            await (await host.start()).run(until(over))
            kernel = await host.attach(kernel.id)
            printed: list[str] = []
            await print_to(printed, kernel.missed())
            assert "".join(printed).split() == [str(n) for n in range(3000)]
            async with await host.attach(kernel.id) as second:
                assert [message async for message in second.missed()] == []
            assert (await kernel.run("n")).value == "2999"
            await kernel.stop()
    finally:
        gate.unlink(missing_ok=True)
        over.unlink(missing_ok=True)
    assert far.left_behind() == []


@pytest.mark.parametrize(("forgets", "status"), [("reply", "aborted"), ("idle", "ok")])
async def test_a_kernel_that_forgets_to_say_that_it_is_done_is_asked(
    far: FarSide, forgets: str, status: str
) -> None:
    argv = [sys.executable, "-c", FORGETFUL, "-f", "{connection_file}"]
    remote_kernel(far.server.home, "forgetful", argv)
    async with there(far) as host:
        kernel = await host.start("forgetful")
        result = await kernel.run(forgets)
        assert (result.text, result.status, result.cut_short) == (forgets, status, True)
        result = await kernel.run("nothing")
        assert (result.text, result.status, result.cut_short) == ("nothing", "ok", False)
        streamed = [message async for message in kernel.stream(forgets)]
        kinds = [each["header"]["msg_type"] for each in streamed]
        assert ("execute_reply" in kinds) is (forgets != "reply")
    assert far.left_behind() == []


OTHERS = {
    "bash": (remote_bash_kernel, "echo $((6 * 7))", "sh -c 'echo begun; exec sleep 600'"),
    "ir": (remote_ir_kernel, "cat(6 * 7)", "cat('begun'); flush.console(); Sys.sleep(600)"),
    "xpython": (remote_xpython_kernel, "print(6 * 7)", "print('begun')\nwhile True: pass"),
}


@pytest.mark.others
@pytest.mark.parametrize("name", OTHERS)
async def test_kernels_of_other_kinds_are_used_alike(make_far: MakeFarSide, name: str) -> None:
    install, code, long = OTHERS[name]
    far = make_far()
    install(far.server.home, name)
    async with there(far, shutdown_time=0.5) as host:
        kernel = await host.start(name, persistent=True)
        assert (await kernel.run(code)).text.strip() == "42"
        if name != "xpython":  # which ends by itself then
            # Once: what it prints as it is interrupted is no reason to do it again.
            messages = kernel.stream(long)
            while (await messages.__anext__())["header"]["msg_type"] != "stream":
                pass
            await kernel.interrupt()
            assert [each async for each in messages][-1]["header"]["msg_type"] == "execute_reply"
            assert (await kernel.run(code)).text.strip() == "42"
        await kernel.begin(long)
        await kernel.leave()
        kernel = await host.attach(kernel.id)
        await kernel.restart()
        assert (await kernel.run(code)).text.strip() == "42"
        await kernel.stop()
    assert far.left_behind() == []
