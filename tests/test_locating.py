"""What a bridge says a launch would find, and what is worth knowing of ssh settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.cli.hop_settings import Setting, notable
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.remote import wire
from support.bridge_process import BridgeProcess, bridge_in
from support.kernels import remote_kernel
from support.local import LocalSide
from support.pythons import make_venv
from support.scripts import script


def located(bridge: BridgeProcess, *kernels: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask a bridge for kernels."""
    request = {"do": "locate", "id": 1, "kernels": kernels}
    bridge.say(wire.json_frame(0, wire.REQUEST, request).encode())
    answer = next(each.json() for each in bridge.hear() if each.kind == wire.ANSWER)
    found: list[dict[str, Any]] = answer["ok"]["kernels"]
    return found


def test_a_kernel_of_the_user_is_found_by_each_interpreter(local: LocalSide) -> None:
    python = str(make_venv(local.home / "venv") / "bin/python")
    remote_kernel(local.home, "mine", ["python", "{connection_file}"], interrupt_mode="message")
    tool = script(local.home / "tools/run", "#!/bin/sh\n")
    remote_kernel(local.home, "tool", ["run"])
    remote_kernel(local.home, "broken", [])
    with bridge_in(local.home) as bridge:
        by_path, by_home, auto, with_env, without, broken, nowhere, absurd = located(
            bridge,
            {"name": "mine", "python": python},
            {"name": "Mine", "python": "~/venv/bin/python"},
            {"name": "mine", "python": "auto", "pythonhome": None, "env": {}},
            {"name": "tool", "python": "auto", "env": {"PATH": str(Path(tool).parent)}},
            {"name": "tool", "python": "auto"},
            {"name": "broken", "python": python},
            {"name": "mine", "python": "/nowhere/python"},
            {"name": "mine", "python": python, "env": 7, "pythonhome": "/\0"},
        )
        bridge.finish()
    assert by_path == by_home
    assert by_path["argv"] == [python, "{connection_file}"]
    assert by_path["interrupt_mode"] == auto["interrupt_mode"] == "message"
    assert auto["python"] != python
    assert with_env["argv"] == [tool]
    kinds = [each["error"]["kind"] for each in (without, broken, nowhere, absurd)]
    assert kinds == ["program", "broken", "python", "host"]
    assert broken["error"]["python"] == python


def told(**entries: str) -> dict[str, Setting]:
    """Give the settings worth knowing where these are given."""
    settings = HostSettings("lab", tuple(entries.items()))
    return {each.keyword: each for each in notable(settings)}


@pytest.mark.parametrize(
    ("keyword", "name", "value", "level"),
    [
        ("stricthostkeychecking", "StrictHostKeyChecking", "no", "warning"),
        ("stricthostkeychecking", "StrictHostKeyChecking", "accept-new", "ok"),
        ("proxyjump", "ProxyJump", "gate", "info"),
        ("proxycommand", "ProxyCommand", "nc %h %p", "info"),
        ("controlpath", "ControlPath", "/run/socket", "info"),
        ("serveraliveinterval", "ServerAliveInterval", "15", "info"),
        ("forwardagent", "ForwardAgent", "yes", "info"),
        ("pubkeyauthentication", "PubkeyAuthentication", "no", "info"),
        ("identityfile", "IdentityFile", "/dev/null", "ok"),
    ],
)
def test_a_setting_is_told_with_what_it_means(
    keyword: str, name: str, value: str, level: str
) -> None:
    setting = told(**{keyword: value})[name]
    assert (setting.value, setting.finding.level) == (value, level)


def test_what_does_not_matter_is_not_told() -> None:
    assert list(told(compression="yes", serveraliveinterval="0", controlpath="none")) == [
        *("HostName", "User", "Port", "IdentityFile", "StrictHostKeyChecking")
    ]
