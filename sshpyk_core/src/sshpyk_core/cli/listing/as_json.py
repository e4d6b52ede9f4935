"""The kernels for programs; ``sshpyk list --help`` documents the objects."""

from __future__ import annotations

import dataclasses
from typing import Any

from sshpyk_core.cli.hop_settings import Hop
from sshpyk_core.cli.listing.facts import BrokenSpec, Fact, Kernel, LocalKernel, SshKernel
from sshpyk_core.types import Finding

__all__ = ["facts_of"]


def facts_of(kernel: Kernel) -> dict[str, Any]:
    """Give one kernel as a JSON object."""
    if isinstance(kernel, LocalKernel):
        kind = "local"
    elif isinstance(kernel, BrokenSpec):
        kind = "broken"
    else:
        kind = "ssh"
    told = {field.name: getattr(kernel, field.name) for field in dataclasses.fields(kernel)}
    if isinstance(kernel, SshKernel):
        told["hops"] = [_hop(hop) for hop in kernel.hops]
        told["findings"] = [_finding(finding) for finding in kernel.findings]
    return {"kind": kind, **{key: _plain(value) for key, value in told.items()}}


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if isinstance(value, Fact) else value


def _hop(hop: Hop) -> dict[str, Any]:
    settings = [
        {"keyword": each.keyword, "value": each.value, **_finding(each.finding)}
        for each in hop.settings
    ]
    return {"alias": hop.alias, "jump": hop.jump, "settings": settings}


def _finding(finding: Finding) -> dict[str, Any]:
    return {"mark": finding.level, "cause": finding.cause, "fix": finding.fix}
