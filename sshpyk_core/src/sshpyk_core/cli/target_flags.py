"""The flags that say how a host is reached, for every command that reaches one."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from sshpyk_core.cli.completing import complete_transport

__all__ = ["TargetFlags", "key_and_value", "target_flags"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class TargetFlags:
    """What the command line says of the connection; None and () leave it to the kernel spec."""

    transport: str | None = None
    transport_options: tuple[tuple[str, Any], ...] = ()
    ssh_config: str | None = None
    ssh: str | None = None

    def stanza(self) -> dict[str, Any]:
        """Give the keys of a kernel spec's ``config`` that say the same."""
        said = {
            "transport": self.transport,
            "transport_options": dict(self.transport_options) or None,
            "ssh_config": self.ssh_config,
            "ssh": self.ssh,
        }
        return {key: value for key, value in said.items() if value is not None}


def key_and_value(
    _ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Split each ``K=V`` of an option that may be repeated; a click callback."""
    pairs = []
    for value in values:
        key, equals, text = value.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{value!r} is not of the form K=V", param=param)
        pairs.append((key, text))
    return tuple(pairs)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


_OPTIONS = (
    click.option(
        "--transport",
        metavar="NAME",
        shell_complete=complete_transport,
        help="The plugin that speaks SSH: see `sshpyk transports`.",
    ),
    click.option(
        "--transport-option",
        metavar="K=V",
        multiple=True,
        callback=key_and_value,
        help="An option of the transport, V as JSON or a text; may be repeated.",
    ),
    click.option("--ssh-config", metavar="FILE", help="The ssh config file, instead of your own."),
    click.option("--ssh", metavar="PROGRAM", help="The ssh program, instead of the one on PATH."),
)


def target_flags(command: F) -> F:
    """Let a command take the flags of a connection, as its argument ``flags``."""

    @functools.wraps(command)
    def with_flags(
        *args: Any,
        transport: str | None,
        transport_option: tuple[tuple[str, str], ...],
        ssh_config: str | None,
        ssh: str | None,
        **others: Any,
    ) -> Any:
        options = tuple((key, _json_or_text(text)) for key, text in transport_option)
        flags = TargetFlags(transport, options, ssh_config, ssh)
        return command(*args, flags=flags, **others)

    decorated: Any = with_flags
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]
