"""A bad plugin is refused by name wherever it is met, and the others go on working."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.cli import main
from sshpyk_core.errors import PluginError
from sshpyk_core.registry import Registry
from support.distributions import PLUGINS, TRANSPORT, Distributions, changed, distributions
from support.far import FarSide
from support.kernels import execute, install_spec
from support.local import LocalSide
from support.managers import started

__all__ = ["distributions"]  # the fixture

FORWARD = "@hookimpl\nasync def sshpyk_forward(session, listen, destination):"


@dataclass(frozen=True)
class Bad:
    """A transport that must be refused.

    Attributes:
        source: its module.
        cause: what the refusal says is wrong.
        fix: what it says to do.
    """

    source: str
    cause: str
    fix: str


def declaring(declaration: str) -> str:
    """Give a whole transport that says this of itself."""
    imports = "from sshpyk_core.declaration import Declaration\n"
    return f"{imports}{TRANSPORT}\nDECLARATION = {declaration}\n"


BAD = {
    "a missing hook": Bad(
        changed(FORWARD, "async def _forward(session, listen, destination):"),
        "it does not implement sshpyk_forward",
        "async def sshpyk_forward(session, listen, destination)",
    ),
    "a misspelt hook": Bad(
        changed("sshpyk_forward(", "sshpyk_froward("),
        "sshpyk_froward is no hook; sshpyk_forward is",
        "rename it to sshpyk_forward; if it is not yours, upgrade sshpyk-bad",
    ),
    "a wrong argument": Bad(
        changed("(session, pid, signum)", "(session, process, signum)"),
        "its sshpyk_signal takes 'process', which is no argument of the hook",
        "async def sshpyk_signal(session, pid, signum)",
    ),
    "too few arguments": Bad(
        changed("(session, pid, signum)", "(session, pid)"),
        "sshpyk_signal does not take 'signum'",
        "async def sshpyk_signal(session, pid, signum)",
    ),
    "a plain function": Bad(
        changed("async def sshpyk_diagnose", "def sshpyk_diagnose"),
        "sshpyk_diagnose is not a coroutine function",
        "with `async def`",
    ),
    "an import error": Bad(
        "import nothing_of_that_name",
        "No module named 'nothing_of_that_name'",
        "upgrade sshpyk-bad",
    ),
    "an exit while it is imported": Bad("raise SystemExit(3)", "SystemExit: 3", "remove it"),
    "a declaration of another type": Bad(
        declaring("{'options': None}"),
        "DECLARATION is a dict",
        "sshpyk_core.declaration.Declaration",
    ),
    "an unknown capability": Bad(
        declaring("Declaration(capabilities=frozenset({'teleport'}))"),
        "declares 'teleport', which is no Capability",
        "sshpyk_core.declaration.Declaration",
    ),
    "kept logins without a keeper": Bad(
        declaring("Declaration(capabilities=frozenset({Capability.KEPT_LOGIN}))").replace(
            "import Declaration", "import Capability, Declaration"
        ),
        "declares KEPT_LOGIN without a keeper",
        "declare both or neither",
    ),
    "capabilities that are no set": Bad(
        declaring("Declaration(capabilities=None)"), "capabilities are a NoneType", "frozenset"
    ),
    "programs in one text": Bad(
        declaring("Declaration(programs='ssh')"), "programs are the text 'ssh'", "tuple"
    ),
    "options that are no dataclass": Bad(
        declaring("Declaration(options=dict)"), "options cannot be read", "frozen dataclass"
    ),
    "options that are an instance": Bad(
        "from sshpyk_core.declaration import NoOptions\n"
        + declaring("Declaration(options=NoOptions())"),
        "NoOptions is no class",
        "frozen dataclass",
    ),
    "options without a reader": Bad(
        "from dataclasses import make_dataclass\n"
        + declaring("Declaration(options=make_dataclass('O', [('window', int, 1)]))"),
        "options cannot be read",
        "transport_kit.options.option",
    ),
}

each_bad = pytest.mark.parametrize("bad", BAD.values(), ids=BAD)


def install_bad(distributions: Distributions, bad: Bad) -> None:
    """Install a bad transport named ``bad`` and a good one named ``good``."""
    distributions.add("sshpyk-bad", "bad", bad.source, version="6.6")
    distributions.add("sshpyk-good", "good")


def assert_refusal(message: str, bad: Bad) -> None:
    """Make sure that a message names the plugin, its distribution, what is wrong and the fix."""
    words = " ".join(message.split())
    for wanted in ("'bad'", "sshpyk-bad 6.6", bad.cause, bad.fix):
        assert wanted in words


def sshpyk(*arguments: str) -> Result:
    """Run ``sshpyk`` in this process."""
    return CliRunner().invoke(main, list(arguments), env={"COLUMNS": "80"})


# A transport


@each_bad
def test_the_registry_refuses_it_and_loads_the_other(
    distributions: Distributions, bad: Bad
) -> None:
    install_bad(distributions, bad)
    registry = Registry()
    for load in (registry.load, registry.declaration, registry.load):
        with pytest.raises(PluginError) as caught:
            load("bad")
        assert_refusal(str(caught.value), bad)
    assert registry.load("good").has_plugin("good")


@each_bad
def test_sshpyk_transports_shows_why_and_the_others(distributions: Distributions, bad: Bad) -> None:
    install_bad(distributions, bad)
    done = sshpyk("transports", "--json")
    assert done.exit_code == 1
    found = {one["name"]: one for one in json.loads(done.stdout)["transports"]}
    problem = found["bad"]["problem"]
    assert_refusal(f"{problem['cause']} {problem['fix']}", bad)
    assert not found["bad"]["usable"]
    assert (found["bad"]["capabilities"], found["bad"]["options"]) == (None, None)
    assert found["good"]["usable"]
    assert found["good"]["problem"] is None
    shown = sshpyk("transports")
    assert shown.exit_code == 1
    assert "bad (sshpyk-bad 6.6): not usable" in shown.stdout
    assert "good (sshpyk-good 1.0): usable" in shown.stdout
    assert_refusal(shown.stdout, bad)


@each_bad
async def test_a_kernel_start_tells_why_and_once(
    distributions: Distributions, local: LocalSide, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    install_bad(distributions, bad)
    install_spec(local.data_dir, "spoilt", {"ssh_host_alias": "lab", "transport": "bad"})
    manager = AsyncKernelManager(kernel_name="spoilt")
    with pytest.raises(PluginError) as caught:
        await manager.start_kernel()
    assert_refusal(str(caught.value), bad)
    assert not manager.has_kernel
    assert list(local.runtime_dir.iterdir()) == []
    gc.collect()  # asyncio tells of what nobody has awaited when it is collected
    assert [each.message for each in caplog.records if each.name == "asyncio"] == []


def test_a_front_end_shows_why(
    distributions: Distributions, local: LocalSide, tmp_path: Path
) -> None:
    bad = BAD["an import error"]
    install_bad(distributions, bad)
    install_spec(local.data_dir, "spoilt", {"ssh_host_alias": "lab", "transport": "bad"})
    script = tmp_path / "script.py"
    script.write_text("1 + 1")
    command = [sys.executable, "-m", "jupyter_client.runapp", "--kernel", "spoilt", str(script)]
    env = {**os.environ, "PYTHONPATH": str(distributions.folder)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert_refusal(done.stdout + done.stderr, bad)


async def test_kernels_go_on_starting_over_the_other_transports(
    distributions: Distributions, far: FarSide
) -> None:
    for number, bad in enumerate(BAD.values()):
        distributions.add(f"sshpyk-bad-{number}", f"bad-{number}", bad.source)
    distributions.add("sshpyk-one", "claimed")
    distributions.add("sshpyk-other", "claimed")
    async with started() as (_, client):
        assert (await execute(client, "print(6 * 7)")).text == "42\n"
    assert far.left_behind() == []


# Two claimants of one name


def claimants(distributions: Distributions) -> None:
    """Let two distributions declare the transport ``bad``."""
    distributions.add("sshpyk-bad", "bad", version="6.6")
    distributions.add("worse", "bad", version="6.7")
    distributions.add("sshpyk-good", "good")


def assert_both_are_named(message: str) -> None:
    """Make sure that a message names the claimants and the fix."""
    words = " ".join(message.split())
    for wanted in ("'bad'", "sshpyk-bad 6.6", "worse 6.7", "pip uninstall all of them but one"):
        assert wanted in words


def test_the_registry_names_two_claimants(distributions: Distributions) -> None:
    claimants(distributions)
    registry = Registry()
    for load in (registry.load, registry.declaration):
        with pytest.raises(PluginError) as caught:
            load("bad")
        assert_both_are_named(str(caught.value))
    assert registry.load("good").has_plugin("good")


def test_sshpyk_transports_names_two_claimants(distributions: Distributions) -> None:
    claimants(distributions)
    done = sshpyk("transports", "--json")
    assert done.exit_code == 1
    listed = json.loads(done.stdout)["transports"]
    found = [one for one in listed if one["name"] == "bad"]
    assert {(one["distribution"], one["version"]) for one in found} == {
        ("sshpyk-bad", "6.6"),
        ("worse", "6.7"),
    }
    for one in found:
        assert_both_are_named(f"{one['problem']['cause']} {one['problem']['fix']}")
    assert [one["usable"] for one in listed if one["name"] == "good"] == [True]


async def test_a_kernel_start_names_two_claimants(
    distributions: Distributions, local: LocalSide
) -> None:
    claimants(distributions)
    install_spec(local.data_dir, "spoilt", {"ssh_host_alias": "lab", "transport": "bad"})
    with pytest.raises(PluginError) as caught:
        await AsyncKernelManager(kernel_name="spoilt").start_kernel()
    assert_both_are_named(str(caught.value))


# A plugin that wraps every transport


def test_a_refused_wrapping_plugin_is_shown_with_all_that_it_stops(
    distributions: Distributions,
) -> None:
    distributions.add("sshpyk-good", "good")
    distributions.add("sshpyk-bad", "bad", TRANSPORT, group=PLUGINS, version="6.6")
    done = sshpyk("transports", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    (plugin,) = [one for one in told["plugins"] if one["name"] == "bad"]
    assert "may only wrap" in plugin["problem"]["cause"]
    assert "@hookimpl(wrapper=True)" in plugin["problem"]["fix"]
    (good,) = [one for one in told["transports"] if one["name"] == "good"]
    assert not good["usable"]
    assert "'bad'" in good["problem"]["cause"]
    assert good["problem"]["fix"] == "upgrade sshpyk-bad or remove it"
    assert good["capabilities"] == []


async def test_a_kernel_start_tells_of_a_refused_wrapping_plugin(
    distributions: Distributions, local: LocalSide
) -> None:
    distributions.add("sshpyk-good", "stopped")
    distributions.add("sshpyk-bad", "bad", "raise OSError('no disk')", group=PLUGINS, version="6.6")
    install_spec(local.data_dir, "spoilt", {"ssh_host_alias": "lab", "transport": "stopped"})
    with pytest.raises(PluginError, match=r"'bad' .*sshpyk-bad 6\.6.*OSError: no disk"):
        await AsyncKernelManager(kernel_name="spoilt").start_kernel()
