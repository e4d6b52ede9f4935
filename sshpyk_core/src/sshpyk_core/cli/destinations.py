"""Where a command goes: the HOST or NAME of its command line, or every host of our kernel specs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sshpyk_core.cli.target_flags import TargetFlags
from sshpyk_core.config import KernelConfig
from sshpyk_core.connection import Places
from sshpyk_core.errors import ConfigError
from sshpyk_core.kernelspecs import LocalSpec, find_all, look_up
from sshpyk_core.types import Target

__all__ = ["Destination", "destination", "known_destinations"]


@dataclass(frozen=True)
class Destination:
    """A host, and the kernel spec that led to it.

    Attributes:
        config: of the kernel spec, or what an alias alone would be.
        spec: that kernel spec; None when only a host was named.
        directories: where else on the host kernels may have been started from.
    """

    config: KernelConfig
    spec: LocalSpec | None = None
    directories: tuple[str, ...] = ()

    @property
    def target(self) -> Target:
        """What to connect to."""
        return self.config.target

    @property
    def places(self) -> Places:
        """Where the remote package runs there."""
        return Places(self.config.named_python, self.config.remote_dir)


def destination(word: str, flags: TargetFlags | None = None) -> Destination:
    """Find out what a word of the command line means: a kernel spec of ours, else a host.

    Args:
        word: HOST or NAME.
        flags: what wins over the kernel spec.

    Raises:
        ConfigError: it cannot be a host, or the kernel spec is wrong.
    """
    changes = (flags or TargetFlags()).stanza()
    spec = look_up(word)
    if spec is not None and spec.ours:
        config = KernelConfig.parse({**spec.stanza, **changes}, f"the kernel spec {spec.name}")
        return Destination(config, spec, _directories([config]))
    return Destination(KernelConfig.parse({"ssh_host_alias": word, **changes}, "the command line"))


def known_destinations(flags: TargetFlags | None = None) -> list[Destination]:
    """Give each host of our kernel specs once, whatever number of them leads there.

    Kernel specs that are wrong are passed over: ``sshpyk list`` tells of them.
    """
    changes = (flags or TargetFlags()).stanza()
    configs: dict[Target, list[KernelConfig]] = {}
    for spec in find_all():
        if not spec.ours:
            continue
        try:
            config = KernelConfig.parse({**spec.stanza, **changes}, spec.name)
        except ConfigError:
            continue
        configs.setdefault(config.target, []).append(config)
    return [
        Destination(replace(first, remote_dir=None), None, _directories([first, *others]))
        for first, *others in configs.values()
    ]


def _directories(configs: Sequence[KernelConfig]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.remote_dir for each in configs if each.remote_dir))
