"""What the kernel spec's template becomes."""

from __future__ import annotations

import asyncio

import pytest
from sshpyk_core.errors import ConfigError, ConnectError
from sshpyk_core.transport import transport_for
from sshpyk_core.types import Target


def target(*words: str, alias: str = "lab") -> Target:
    """Give a target that this template reaches."""
    return Target(alias, transport="command", options={"command": list(words)})


async def output(target: Target, command: str) -> bytes:
    """Run one command."""
    transport = transport_for(target)
    session = await transport.connect(target)
    try:
        process = await transport.launch(session, command)
        return await process.stdout.read()
    finally:
        await session.aclose()


def test_alias_and_command_are_filled_in() -> None:
    """The command stays one word, whatever is in it."""
    where = target("env", "WHERE=pod/{alias}", "sh", "-c", "{command}")
    assert asyncio.run(output(where, "echo {alias}: $WHERE '{command}'")) == (
        b"{alias}: pod/lab {command}\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("docker", "exec", "{alias}"), "one of them has to be {command}"),
        (("sh", "-c", "cd /; {command}"), "one of them has to be {command}"),
        ((), "one of them has to be {command}"),
    ],
)
def test_template_without_the_command_is_refused(words: tuple[str, ...], said: str) -> None:
    """A command inside a longer word would have to be quoted, which nobody does."""
    with pytest.raises(ConfigError, match=said):
        asyncio.run(output(target(*words), "true"))


@pytest.mark.parametrize("alias", ["-it", "a b", "$(id)"])
def test_alias_that_could_be_misread_is_refused(alias: str) -> None:
    """An alias that looks like an option would be one."""
    with pytest.raises(ConfigError, match="alias"):
        asyncio.run(output(target("sh", "-c", "{command}", alias=alias), "true"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no-such-program", "{command}"), "No such file"),
        (("sh", "-c", "echo no such pod >&2; exit 1", "{command}"), "no such pod"),
        (("false", "{command}"), "status 1"),
    ],
)
def test_template_that_does_not_work_is_told(words: tuple[str, ...], said: str) -> None:
    """At the connection, and by the diagnosis."""
    where = target(*words)
    with pytest.raises(ConnectError, match=said) as caught:
        asyncio.run(output(where, "true"))
    assert caught.value.fix
    (finding,) = asyncio.run(transport_for(where).diagnose(where))
    assert finding.level == "error"
    assert said in finding.cause


def test_template_that_works_is_diagnosed_as_such() -> None:
    """With the command line that was tried."""
    where = Target("lab", transport="command")
    (finding,) = asyncio.run(transport_for(where).diagnose(where))
    assert (finding.level, finding.cause) == ("ok", "`sh -c 'exit 0'` runs commands on lab")
