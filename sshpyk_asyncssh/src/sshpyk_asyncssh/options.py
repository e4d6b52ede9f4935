"""What a kernel spec may ask of this transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sshpyk_core.transport_kit.options import integer, option
from sshpyk_core.transport_kit.settings.extra import extra_settings

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """What a kernel spec may ask of this transport.

    Attributes:
        options: further settings of ssh_config(5); they win over the files and hold for the target,
            not for its jump hosts.
        window: bytes that the host may send on a channel before it must wait for this side.
    """

    options: tuple[tuple[str, str], ...] = option(
        (), extra_settings, "further settings of ssh_config(5), which win over your files"
    )
    window: int = option(
        4 << 20, integer(1 << 16, 1 << 30), "bytes in flight per channel, from the host to here"
    )

    @property
    def overrides(self) -> Mapping[str, str]:
        """The further settings, by keyword."""
        return dict(self.options)
