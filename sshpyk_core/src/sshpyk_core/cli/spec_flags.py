"""The flags that say what stands in a kernel spec, for the commands that write one.

Those of sshpyk 1.x mean what they meant there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from sshpyk_core.cli.completing import complete_host
from sshpyk_core.cli.target_flags import TargetFlags, key_and_value, target_flags

__all__ = ["SpecFlags", "spec_flags"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class SpecFlags:
    """What the command line says of a kernel spec; None and empty leave it as it is.

    Attributes:
        display_name: for people.
        language: of the kernel.
        target: how the host is reached.
        config: the keys of the ``config`` stanza that were given, besides those of the target.
    """

    display_name: str | None = None
    language: str | None = None
    target: TargetFlags = field(default_factory=TargetFlags)
    config: dict[str, Any] = field(default_factory=dict)

    def stanza(self) -> dict[str, Any]:
        """Give all keys of the ``config`` stanza that were given."""
        return {**self.target.stanza(), **self.config}


def _seconds(_ctx: click.Context, _param: click.Parameter, value: float | None) -> float | None:
    """Keep whole seconds whole, as people write them."""
    return int(value) if value is not None and value.is_integer() else value


def _prefixed(python: str | None, prefix: str | None) -> str | None:
    """Give the interpreter that two flags name, of which only one may be given."""
    if python is not None and prefix is not None:
        raise click.UsageError("--remote-python and --remote-python-prefix exclude each other.")
    return f"{prefix.rstrip('/')}/bin/python" if prefix is not None else python


def _duration(name: str, help_text: str) -> Callable[[F], F]:
    above_zero = click.FloatRange(min=0, min_open=True)
    return click.option(name, type=above_zero, metavar="S", callback=_seconds, help=help_text)


_OPTIONS = (
    click.option(
        "--ssh-host-alias",
        metavar="HOST",
        shell_complete=complete_host,
        help="The host, as `ssh` takes it.",
    ),
    click.option("--display-name", metavar="TEXT", help="The kernel's name for people."),
    click.option("--language", metavar="NAME", help="The kernel's language."),
    click.option("--remote-python", metavar="PATH", help="The interpreter on the host."),
    click.option(
        "--remote-python-prefix",
        metavar="PATH",
        help="The environment on the host whose bin/python is the interpreter.",
    ),
    click.option(
        "--remote-kernel-name", metavar="NAME", help="The kernel, as the host's Jupyter names it."
    ),
    _duration("--launch-timeout", "Seconds that a start may take."),
    _duration("--shutdown-timeout", "Seconds that a kernel may take to end."),
    click.option(
        "--remote-pythonhome", metavar="PATH", help="PYTHONHOME for the interpreter on the host."
    ),
    click.option("--remote-kernel-pythonhome", metavar="PATH", help="PYTHONHOME for the kernel."),
    click.option("--remote-cwd", metavar="PATH", help="The kernel's working directory."),
    click.option(
        "--env",
        metavar="K=V",
        multiple=True,
        callback=key_and_value,
        help="A variable for the kernel; may be repeated.",
    ),
    click.option(
        "--remote-precmd", metavar="COMMAND", help="What your shell there runs before the kernel."
    ),
    click.option(
        "--channels",
        type=click.Choice(["relay", "forward"]),
        help="How the kernel's ports come here.",
    ),
    click.option(
        "--forward",
        metavar="PORT",
        multiple=True,
        help="A port of the host to have here while the kernel runs; may be repeated.",
    ),
    click.option(
        "--persistent/--no-persistent",
        default=None,
        help="Whether the kernel outlives the program that started it.",
    ),
    click.option(
        "--reattach/--no-reattach",
        default=None,
        help="Whether a notebook that is opened again gets the kernel that it left.",
    ),
)


def spec_flags(command: F) -> F:
    """Let a command take all flags of a kernel spec, as its argument ``wanted``."""

    @functools.wraps(command)
    def with_flags(*args: Any, flags: TargetFlags, **values: Any) -> Any:
        own = {name: values.pop(name) for name in _NAMES}
        python = _prefixed(own["remote_python"], own["remote_python_prefix"])
        config = {
            "remote_python": python,
            "shutdown_time": own["shutdown_timeout"],
            "env": dict(own["env"]) or None,
            "forward": list(own["forward"]) or None,
            **{name: own[name] for name in _AS_THEY_ARE},
        }
        given = {name: value for name, value in config.items() if value is not None}
        wanted = SpecFlags(own["display_name"], own["language"], flags, given)
        return command(*args, wanted=wanted, **values)

    decorated: Any = target_flags(with_flags)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


_AS_THEY_ARE = (
    "ssh_host_alias",
    "remote_kernel_name",
    "launch_timeout",
    "remote_pythonhome",
    "remote_kernel_pythonhome",
    "remote_cwd",
    "remote_precmd",
    "channels",
    "persistent",
    "reattach",
)
"""The flags that are keys of the stanza by the same name."""

_NAMES = (
    *_AS_THEY_ARE,
    "display_name",
    "language",
    "remote_python",
    "remote_python_prefix",
    "shutdown_timeout",
    "env",
    "forward",
)
"""All flags of this module, as click calls their values."""
