"""The typed face over the hooks: what it lets through and what it turns into a PluginError."""

from __future__ import annotations

import asyncio

import pytest
from sshpyk_core.errors import LaunchError, PluginError, UnknownTransportError
from sshpyk_core.registry import Registry
from sshpyk_core.transport import Transport, transport_for
from sshpyk_core.types import Finding, Session, Target, TcpAddress
from support.distributions import PLUGINS, TRANSPORT, Distributions, distributions, with_body

__all__ = ["distributions"]  # the fixture

TARGET = Target(alias="lab", transport="here")
ADDRESS = TcpAddress("127.0.0.1", 1)

WRAPPER = """
from sshpyk_core.hookspecs import hookimpl

@hookimpl(wrapper=True)
def sshpyk_launch(command):
    inner = yield
    return audited(command, inner)

async def audited(command, inner):
    process = await inner
    process.audited = command
    return process
"""


def here(distributions: Distributions, source: str = TRANSPORT) -> Transport:
    """Install a transport and load it."""
    distributions.add("sshpyk-here", "here", source)
    return transport_for(TARGET, Registry())


async def call(transport: Transport, hook: str) -> object:
    """Call one hook with arguments that are right; other hooks only where it needs a session."""
    if hook == "connect":
        return await transport.connect(TARGET)
    if hook == "diagnose":
        return await transport.diagnose(TARGET)
    session = await transport.connect(TARGET)
    if hook == "upload":
        return await transport.upload(session, b"", "/nowhere", 0o600)
    if hook == "launch":
        return await transport.launch(session, "true")
    if hook == "forward":
        return await transport.forward(session, ADDRESS, ADDRESS)
    return await transport.signal(session, 1, 0)


async def test_every_hook_answers_through_the_face(distributions: Distributions) -> None:
    transport = here(distributions)
    assert transport.name == "here"
    session = await transport.connect(TARGET)
    assert isinstance(session, Session)
    assert session.target == TARGET
    await transport.upload(session, b"x", "/nowhere", 0o600)
    process = await transport.launch(session, "echo from here")
    assert await process.stdout.read() == b"from here\n"
    assert await process.wait() == 0
    assert (await transport.forward(session, ADDRESS, ADDRESS)).address == ADDRESS
    assert await transport.signal(session, 1, 0) is True
    assert await transport.diagnose(TARGET) == [Finding("ok", "this machine is here")]
    await session.aclose()
    assert await session.closed == "closed"


@pytest.mark.parametrize(
    ("hook", "body", "wanted"),
    [
        ("connect", "pass", "a Session"),
        ("connect", "import types; return types.SimpleNamespace(closed=None)", "a Session"),
        ("connect", "s = Session(target); s.closed = False; return s", "is a future"),
        ("upload", "return False", "None"),
        ("launch", "pass", "a RemoteProcess"),
        ("launch", "return b'output'", "a RemoteProcess"),
        ("forward", "return listen", "a Forward"),
        ("signal", "return None", "a bool"),
        ("diagnose", "return None", "a list of Finding"),
        ("diagnose", "return ['all is well']", "a list of Finding"),
    ],
)
async def test_a_wrong_answer_is_a_defect_of_the_transport(
    distributions: Distributions, hook: str, body: str, wanted: str
) -> None:
    transport = here(distributions, with_body(f"sshpyk_{hook}", body))
    with pytest.raises(PluginError, match=f"'here' .*answered sshpyk_{hook}") as caught:
        await call(transport, hook)
    assert wanted in str(caught.value)


@pytest.mark.parametrize("hook", ["connect", "upload", "launch", "forward", "signal", "diagnose"])
async def test_an_error_that_is_not_ours_is_a_defect_of_the_transport(
    distributions: Distributions, hook: str
) -> None:
    transport = here(distributions, with_body(f"sshpyk_{hook}", "raise OSError('no route')"))
    with pytest.raises(PluginError, match=f"failed in sshpyk_{hook}: OSError: no route") as caught:
        await call(transport, hook)
    assert isinstance(caught.value.__cause__, OSError)


async def test_our_own_errors_pass_untouched(distributions: Distributions) -> None:
    body = "from sshpyk_core.errors import LaunchError as E; raise E('lab', 'run x', 'no channel')"
    transport = here(distributions, with_body("sshpyk_launch", body))
    with pytest.raises(LaunchError, match="no channel"):
        await call(transport, "launch")


async def test_cancellation_passes_through(distributions: Distributions) -> None:
    body = "reached = target.options['reached']; reached.set(); await asyncio.Event().wait()"
    transport = here(distributions, with_body("sshpyk_connect", body))
    reached = asyncio.Event()
    target = Target("lab", "here", options={"reached": reached})
    task = asyncio.ensure_future(transport.connect(target))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_wrapping_plugin_may_await_and_change_the_result(
    distributions: Distributions,
) -> None:
    distributions.add("audit-log", "audit", WRAPPER, group=PLUGINS)
    transport = here(distributions)
    session = await transport.connect(TARGET)
    process = await transport.launch(session, "exit 3")
    assert getattr(process, "audited") == "exit 3"  # noqa: B009 - no attribute of the protocol
    assert await process.wait() == 3


async def test_a_wrapping_plugin_may_forbid_before_anything_runs(
    distributions: Distributions,
) -> None:
    refuse = "raise LaunchError('lab', 'run ' + command, 'policy')\n    yield"
    source = WRAPPER.replace("inner = yield", refuse)
    source = "from sshpyk_core.errors import LaunchError\n" + source
    distributions.add("policy", "policy", source, group=PLUGINS)
    transport = here(distributions)
    with pytest.raises(LaunchError, match="policy"):
        await call(transport, "launch")


async def test_a_wrapper_that_gives_no_coroutine_is_a_defect(distributions: Distributions) -> None:
    source = WRAPPER.replace("return audited(command, inner)", "inner.close()\n    return command")
    distributions.add("audit-log", "audit", source, group=PLUGINS)
    with pytest.raises(PluginError, match="an awaitable"):
        await call(here(distributions), "launch")


def test_a_target_with_an_unknown_transport_has_no_face() -> None:
    with pytest.raises(UnknownTransportError, match="'carrier-pigeon'"):
        transport_for(Target("lab", "carrier-pigeon"))
