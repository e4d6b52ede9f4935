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
        window: bytes that the server may send on a channel before they are acknowledged.
        options: further settings of ssh_config(5); they win over the files and hold for the target,
            not for its jump hosts.
    """

    window: int = option(
        2 * 1024 * 1024,
        integer(32 * 1024, 1024 * 1024 * 1024),
        "bytes on their way in one channel; more may help where a fast network is far",
    )
    options: tuple[tuple[str, str], ...] = option(
        (), extra_settings, "further settings of ssh_config(5), which win over your files"
    )

    @property
    def overrides(self) -> Mapping[str, str]:
        """The further settings, by keyword."""
        return dict(self.options)
