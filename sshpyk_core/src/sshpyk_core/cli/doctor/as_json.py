"""The report for programs; ``sshpyk doctor --help`` documents the object."""

from __future__ import annotations

import dataclasses
from typing import Any

from sshpyk_core.cli.doctor.report import Checked, Report, TransportReport
from sshpyk_core.types import Finding

__all__ = ["as_json"]


def as_json(report: Report) -> dict[str, Any]:
    """Give the report as one object of JSON."""
    target = report.target
    return {
        "usable": report.usable,
        "target": {
            "alias": target.alias,
            "kernel_spec": report.kernel_spec or None,
            "transport": target.transport,
            "ssh_config": target.ssh_config,
            "ssh": target.ssh,
        },
        "findings": [_checked(each) for each in report.findings],
        "transports": [_transport(each) for each in report.transports],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    told = dataclasses.asdict(finding)
    del told["step"]
    return told


def _checked(checked: Checked) -> dict[str, Any]:
    seconds = None if checked.seconds is None else round(checked.seconds, 4)
    return {"check": checked.check, **_finding(checked.finding), "seconds": seconds}


def _transport(report: TransportReport) -> dict[str, Any]:
    return {
        "name": report.name,
        "usable": report.usable,
        "seconds": None if report.seconds is None else round(report.seconds, 4),
        "findings": [
            {"check": each.step or "transport", **_finding(each), "seconds": None}
            for each in report.findings
        ],
    }
