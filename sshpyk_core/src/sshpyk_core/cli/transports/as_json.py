"""The inventory for programs; ``sshpyk transports --help`` documents the object."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from sshpyk_core.cli.transports.inventory import Installed, InstalledTransport, Inventory

__all__ = ["text"]


def text(inventory: Inventory) -> str:
    """Write the inventory as one JSON object."""
    told = {
        "usable": inventory.usable,
        "transports": [_transport(each) for each in inventory.transports],
        "plugins": [_installed(each) for each in inventory.plugins],
    }
    return json.dumps(told, indent=2, default=str)


def _installed(one: Installed) -> dict[str, Any]:
    problem = dataclasses.asdict(one.problem) if one.problem else None
    return {**dataclasses.asdict(one.origin), "usable": problem is None, "problem": problem}


def _transport(one: InstalledTransport) -> dict[str, Any]:
    told = _installed(one)
    if one.declaration is None:
        return {**told, "capabilities": None, "options": None}
    options = [dataclasses.asdict(each) for each in one.options]
    return {**told, "capabilities": one.capabilities, "options": options}
