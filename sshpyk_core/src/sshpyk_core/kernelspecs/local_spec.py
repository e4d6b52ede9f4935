"""One kernel spec of this machine, as a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import LocalSpecError

__all__ = ["PROVISIONER", "LocalSpec", "is_valid_name", "not_ours", "valid_name"]

PROVISIONER = "sshpyk-provisioner"
"""The entry point's name, by which a kernel spec of ours is known."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")


@dataclass(frozen=True)
class LocalSpec:
    """One kernel spec of this machine.

    Attributes:
        name: as Jupyter knows it, in lower case.
        directory: where its ``kernel.json`` lies.
        content: the JSON object in it; empty when it could not be read.
        problem: why it could not be read; empty when it could.
    """

    name: str
    directory: Path
    content: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def file(self) -> Path:
        """Its kernel.json."""
        return self.directory / "kernel.json"

    @property
    def display_name(self) -> str:
        """Its name for people."""
        return str(self.content.get("display_name") or self.name)

    @property
    def ours(self) -> bool:
        """Whether it selects our provisioner."""
        return _stanza(self.content).get("provisioner_name") == PROVISIONER

    @property
    def stanza(self) -> dict[str, Any]:
        """The ``config`` of our provisioner, as it stands there; empty when it is not ours."""
        config = _stanza(self.content).get("config") if self.ours else None
        return dict(config) if isinstance(config, Mapping) else {}

    def config(self) -> KernelConfig:
        """Give what it says about the remote kernel.

        Raises:
            ConfigError: unknown keys or impossible values.
            LocalSpecError: it is not ours.
        """
        if not self.ours:
            raise not_ours(self)
        return KernelConfig.parse(self.stanza, f"the kernel spec {self.directory}")

    def with_stanza(self, stanza: Mapping[str, Any]) -> dict[str, Any]:
        """Give its content with another ``config`` and all else as it is."""
        metadata = self.content.get("metadata")
        metadata = dict(metadata) if isinstance(metadata, Mapping) else {}
        others = _stanza(self.content) if self.ours else {}
        ours = {"provisioner_name": PROVISIONER, "config": dict(stanza)}
        metadata["kernel_provisioner"] = {**others, **ours}
        return {**self.content, "metadata": metadata}


def _stanza(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give ``metadata.kernel_provisioner``, whatever others have written there."""
    metadata = content.get("metadata")
    stanza = metadata.get("kernel_provisioner") if isinstance(metadata, Mapping) else None
    return stanza if isinstance(stanza, Mapping) else {}


def is_valid_name(name: str) -> bool:
    """Say whether Jupyter takes this for the name of a kernel spec."""
    return bool(_NAME.fullmatch(name)) and name.strip(".") != ""


def valid_name(name: str) -> str:
    """Give the name under which Jupyter keeps a kernel spec: in lower case.

    Raises:
        LocalSpecError: Jupyter takes no such name.
    """
    if not is_valid_name(name):
        allowed = "at most 200 letters, digits, '.', '_' and '-'"
        raise LocalSpecError(f"{name!r:.200} cannot be the name of a kernel: use {allowed}.")
    return name.lower()


def not_ours(spec: LocalSpec) -> LocalSpecError:
    """Make the error for a kernel spec of something else."""
    return LocalSpecError(
        f"The kernel spec {spec.name} ({spec.directory}) is not one of sshpyk: it is left alone."
    )
