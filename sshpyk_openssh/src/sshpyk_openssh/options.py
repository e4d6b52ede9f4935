"""What a kernel spec may ask of this transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sshpyk_core.transport_kit.options import choice, flag, integer, option
from sshpyk_core.transport_kit.settings.extra import extra_settings

__all__ = ["Options"]

Multiplex = Literal["auto", "own", "never"]


@dataclass(frozen=True)
class Options:
    """What a kernel spec may ask of this transport.

    Attributes:
        multiplex: ``auto`` uses the user's open control master, else one of our own; ``own`` never
            uses the user's; ``never`` makes one connection for each command, which is also what
            ``auto`` means where ssh has no control master (Windows).
        keep: leave our own control master open when the session is closed, for the sessions of
            other programs; does nothing where there is no control master of ours.
        verbose: 0 to 3, how many ``-v`` ssh gets; what it says goes to the log at debug level.
        options: further settings of ssh_config(5), as ``-o Key=value`` on every command line.
    """

    multiplex: Multiplex = option(
        "auto",
        choice("auto", "own", "never"),
        "use the user's open control master, else one of our own (auto); never the user's (own); "
        "a connection for each command (never)",
    )
    keep: bool = option(
        False,
        flag,
        "leave the connection open for other programs too, until `sshpyk logout` or its loss",
    )
    verbose: int = option(0, integer(0, 3), "how many -v ssh gets; its words go to the debug log")
    options: tuple[tuple[str, str], ...] = option(
        (),
        extra_settings,
        "further settings of ssh_config(5), which win over your files",
    )

    @property
    def arguments(self) -> list[str]:
        """The further settings as arguments of ssh."""
        return [word for key, value in self.options for word in ("-o", f"{key}={value}")]
