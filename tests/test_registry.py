"""Which transports are there, and which are refused: with real distributions on sys.path."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sshpyk_core.errors import PluginError, UnknownTransportError
from sshpyk_core.registry import Registry, default_registry
from support.distributions import PLUGINS, TRANSPORT, Distributions, changed, distributions

__all__ = ["distributions"]  # the fixture

WRAPPER = """
from sshpyk_core.hookspecs import hookimpl

@hookimpl(wrapper=True)
def sshpyk_signal(pid):
    return (yield)
"""

HEADS = {
    "sshpyk_connect": "target, prompter",
    "sshpyk_upload": "session, content, path, mode",
    "sshpyk_launch": "session, command",
    "sshpyk_forward": "session, listen, destination",
    "sshpyk_signal": "session, pid, signum",
    "sshpyk_diagnose": "target",
}


def head(hook: str) -> str:
    """The first line of one hook in the test transport."""
    return f"async def {hook}({HEADS[hook]}):"


def refusal(name: str = "here") -> str:
    """The message with which a transport is refused; it names plugin and distribution."""
    with pytest.raises(PluginError) as caught:
        Registry().load(name)
    message = str(caught.value)
    assert repr(name) in message
    assert "sshpyk-here 1.0" in message
    assert "Fix: " in message
    return message


def test_a_whole_transport_is_listed_and_loaded(distributions: Distributions) -> None:
    module = distributions.add("sshpyk-here", "here", version="4.2")
    registry = Registry()
    assert "here" in registry.names()
    (found,) = [one for one in registry.installed() if one.name == "here"]
    assert (found.distribution, found.version, found.module) == ("sshpyk-here", "4.2", module)
    assert module not in sys.modules
    manager = registry.load("here")
    assert manager.get_plugin("here") is sys.modules[module]
    assert registry.load("here") is manager


def test_each_manager_holds_one_transport(distributions: Distributions) -> None:
    distributions.add("sshpyk-here", "here")
    distributions.add("sshpyk-there", "there")
    registry = Registry()
    here, there = registry.load("here"), registry.load("there")
    assert here is not there
    assert [len(one.hook.sshpyk_connect.get_hookimpls()) for one in (here, there)] == [1, 1]


def test_a_transport_installed_later_is_found(distributions: Distributions) -> None:
    registry = Registry()
    with pytest.raises(UnknownTransportError):
        registry.load("here")
    distributions.add("sshpyk-here", "here")
    assert registry.load("here").has_plugin("here")


def test_the_process_shares_one_registry() -> None:
    assert default_registry() is default_registry()


def test_an_unknown_name_lists_the_installed_ones(distributions: Distributions) -> None:
    distributions.add("sshpyk-here", "here", version="4.2")
    with pytest.raises(UnknownTransportError, match="'heer'") as caught:
        Registry().load("heer")
    assert "here (sshpyk-here 4.2)" in str(caught.value)
    assert "did you mean 'here'?" in str(caught.value)


def test_one_of_our_own_that_is_absent_comes_with_its_pip_command() -> None:
    name = "openssh"
    # -S leaves site-packages out, so only what the path below holds is installed.
    code = (
        f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}\n"
        "import importlib.metadata as metadata\n"
        "import sshpyk_core.registry as registry\n"
        "sys.path[:] = []\n"
        f"registry.Registry().load({name!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert "UnknownTransportError" in done.stderr
    assert f"pip install sshpyk-{name}" in done.stderr
    assert "Installed: none." in done.stderr


def test_two_distributions_with_one_name_are_both_named(distributions: Distributions) -> None:
    distributions.add("sshpyk-here", "here")
    distributions.add("other-here", "here", version="3.0")
    assert "other-here 3.0" in refusal()
    assert Registry().names().count("here") == 1


def test_a_broken_transport_does_not_stop_another(distributions: Distributions) -> None:
    distributions.add("sshpyk-here", "here", "import nothing_of_that_name")
    distributions.add("sshpyk-there", "there")
    registry = Registry()
    assert registry.load("there").has_plugin("there")
    assert "nothing_of_that_name" in refusal()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def broken(:", "SyntaxError"),
        ("raise OSError('no disk')", "OSError: no disk"),
        ("from sshpyk_core.types import Nothing", "ImportError"),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused(
    distributions: Distributions, source: str, said: str
) -> None:
    distributions.add("sshpyk-here", "here", source)
    assert said in refusal()


def test_an_entry_point_must_name_a_module(distributions: Distributions) -> None:
    distributions.add("sshpyk-here", "here", entry="{module}:Session")
    assert "name the module" in refusal()


@pytest.mark.parametrize("hook", HEADS)
def test_every_hook_must_be_there(distributions: Distributions, hook: str) -> None:
    source = changed(f"@hookimpl\n{head(hook)}", f"async def _not_{head(hook)[10:]}")
    distributions.add("sshpyk-here", "here", source)
    message = refusal()
    assert f"does not implement {hook}" in message
    assert f"async def {hook}({HEADS[hook]})" in message


@pytest.mark.parametrize("hook", HEADS)
def test_every_hook_must_be_a_coroutine_function(distributions: Distributions, hook: str) -> None:
    source = changed(head(hook), f"def {hook}({HEADS[hook]}):")
    source = source.replace("await asyncio", "asyncio")
    distributions.add("sshpyk-here", "here", source)
    assert f"{hook} is not a coroutine function" in refusal()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("session, pid", "does not take 'signum'"),
        ("session, pid, signum=15", "gives 'signum' a default"),
        ("session, pid, *, signum", "by keyword only"),
        ("session, pid, signum, *more", "'more', which is no argument"),
        ("session, pid, signum, force=False", "'force', which is no argument"),
        ("session, pid, signum, force", "force"),
    ],
)
def test_a_hook_takes_exactly_the_arguments_of_its_specification(
    distributions: Distributions, arguments: str, said: str
) -> None:
    source = changed(head("sshpyk_signal"), f"async def sshpyk_signal({arguments}):")
    distributions.add("sshpyk-here", "here", source)
    message = refusal()
    assert said in message
    assert "sshpyk_signal" in message


def test_the_order_of_the_arguments_is_free(distributions: Distributions) -> None:
    source = changed("sshpyk_signal(session, pid, signum)", "sshpyk_signal(signum, pid, session)")
    distributions.add("sshpyk-here", "here", source)
    assert Registry().load("here").has_plugin("here")


def test_a_hook_without_the_mark_is_told_apart_from_a_missing_one(
    distributions: Distributions,
) -> None:
    source = changed(f"@hookimpl\n{head('sshpyk_launch')}", head("sshpyk_launch"))
    distributions.add("sshpyk-here", "here", source)
    assert "sshpyk_launch is not marked" in refusal()


def test_a_misspelt_hook_is_named_with_the_right_one(distributions: Distributions) -> None:
    distributions.add("sshpyk-here", "here", changed("sshpyk_forward(", "sshpyk_foreward("))
    assert "sshpyk_foreward is no hook; sshpyk_forward is" in refusal()


def test_a_transport_may_not_only_wrap(distributions: Distributions) -> None:
    old = f"@hookimpl\n{head('sshpyk_signal')}\n    return True"
    new = "@hookimpl(wrapper=True)\ndef sshpyk_signal(session, pid, signum):\n    return (yield)"
    distributions.add("sshpyk-here", "here", changed(old, new))
    assert "sshpyk_signal only wraps" in refusal()


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_a_wrapping_plugin_joins_every_transport(distributions: Distributions, option: str) -> None:
    distributions.add("sshpyk-there", "there")
    distributions.add("sshpyk-here", "here")
    source = WRAPPER.replace("wrapper=True", f"{option}=True").replace("return (yield)", "yield")
    module = distributions.add("audit-log", "audit", source, group=PLUGINS)
    registry = Registry()
    for name in ("here", "there"):
        manager = registry.load(name)
        assert manager.is_registered(sys.modules[module])
        assert len(manager.hook.sshpyk_signal.get_hookimpls()) == 2


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (TRANSPORT, "implements sshpyk_"),
        (WRAPPER.replace("sshpyk_signal", "sshpyk_sgnal"), "sshpyk_sgnal is no hook"),
        (WRAPPER.replace("(pid)", "(pid=0)"), "a default"),
        (WRAPPER.replace("(pid)", "(*, pid)"), "keyword only"),
        (WRAPPER.replace("(pid)", "(process)"), "process"),
        (WRAPPER.replace("def ", "async def ").replace("return (yield)", "yield"), "generator"),
        ("", "wraps no hook"),
        ("raise RuntimeError('not today')", "not today"),
    ],
)
def test_a_plugin_that_is_no_mere_wrapper_stops_every_start(
    distributions: Distributions, source: str, said: str
) -> None:
    distributions.add("sshpyk-there", "there")
    distributions.add("sshpyk-here", "audit", source, group=PLUGINS)
    with pytest.raises(PluginError, match=r"'audit' \(module \w+ of sshpyk-here 1\.0\)") as caught:
        Registry().load("there")
    assert said in str(caught.value)
