"""Errors as findings."""

from __future__ import annotations

from dataclasses import replace

from sshpyk_core.errors import ConfigError, HostError, SshpykError
from sshpyk_core.transport_kit.diagnosis import step_of
from sshpyk_core.types import Finding

__all__ = ["finding_of", "has_error", "softened"]


def finding_of(error: SshpykError) -> Finding:
    """Make a finding of what went wrong."""
    if isinstance(error, HostError):
        said = error.answer or "no reason was given"
        return Finding("error", f"could not {error.tried}: {said}", error.fix, step_of(error))
    cause, fix = error.cause_and_fix()
    if isinstance(error, ConfigError):
        fix = fix or "Correct the kernel spec, or the ssh configuration."
    return Finding("error", cause, fix, step_of(error))


def has_error(findings: list[Finding]) -> bool:
    """Say whether there is no use in going on."""
    return any(finding.level == "error" for finding in findings)


def softened(finding: Finding) -> Finding:
    """Make a warning of an error that is not the last word."""
    return replace(finding, level="warning") if finding.level == "error" else finding
