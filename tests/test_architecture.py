"""What the source tree promises about itself: arrows, old interpreters, versions, sizes."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.pythons import OLDEST
from support.source_tree import (
    PACKAGES,
    ROOT,
    Module,
    closure,
    import_graph,
    is_below,
    modules,
)

from sshpyk_core import errors, hookspecs, types

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TREE = modules()
GRAPH = import_graph(TREE)
REMOTE = "sshpyk_core.remote"
REMOTE_FOLDER = ROOT / "sshpyk_core/src/sshpyk_core/remote"
TRANSPORT_PACKAGES = tuple(name for name in PACKAGES if name != "sshpyk_core")
HOOKS = [name for name in vars(hookspecs) if name.startswith("sshpyk_")]

ARROWS = (
    ("errors",),
    ("types",),
    ("hookspecs",),
    ("local_tool", "shell", "host_settings"),
    ("ssh_config",),
    ("declaration", "transport_kit"),
    ("registry",),
    ("transport",),
    ("timers", "suspend", "single_flight"),
    ("link", "prompting"),
    ("reconnecting",),
    ("reattaching",),
    ("host", "visiting"),
    ("kernel",),
    ("checks",),
    ("provisioner",),
    ("api",),
    ("kernel_app", "cli"),
)
"""From the bottom to the top; what is not named here may stand anywhere in between."""

WIRE = (f"{REMOTE}.wire", f"{REMOTE}.courier")
"""What both ends of the link share."""

PUBLIC_NAMES = {
    "errors": [
        "AuthenticationError",
        "ChangedHostKeyError",
        "ConfigError",
        "ConnectError",
        "ForwardError",
        "HostError",
        "HostKeyError",
        "HostNotFoundError",
        "HostUnreachableError",
        "KernelEndedError",
        "KernelFileError",
        "KernelSpecNotFoundError",
        "KernelStartError",
        "KernelTakenError",
        "KernelTimeoutError",
        "LaunchError",
        "LinkError",
        "LinkLostError",
        "LocalSpecError",
        "PluginError",
        "RemoteDirectoryError",
        "RemoteError",
        "RemotePythonError",
        "SessionError",
        "SshpykError",
        "SupervisorGoneError",
        "SupervisorUnreachableError",
        "UnknownHostKeyError",
        "UnknownTransportError",
        "UploadError",
    ],
    "types": [
        "NO_EXIT_STATUS",
        "Address",
        "ByteReader",
        "ByteWriter",
        "Finding",
        "Forward",
        "KeptLogin",
        "Prompter",
        "Question",
        "RemoteProcess",
        "Session",
        "Step",
        "Target",
        "TcpAddress",
        "UnixAddress",
    ],
    "declaration": ["Capability", "Declaration", "LoginKeeper", "NoOptions"],
    "hookspecs": ["PROJECT_NAME", "hookimpl", "hookspec"],
}


def core(*names: str) -> tuple[str, ...]:
    """Dotted names of parts of the core."""
    return tuple(f"sshpyk_core.{name}" for name in names)


def importers(tree: dict[str, Module], *targets: str, but: tuple[str, ...] = ()) -> list[str]:
    """List `module -> import` for all that reaches a target, except from some places."""
    return [
        f"{module.name} -> {name}"
        for module in tree.values()
        for name in module.imports()
        if any(is_below(name, target) for target in targets) and not module.is_in(*but)
    ]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program and keep what it says."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


# The import arrows


@pytest.mark.parametrize("level", range(len(ARROWS)))
def test_imports_point_one_way(level: int) -> None:
    higher = [name for names in ARROWS[level + 1 :] for name in core(*names)]
    for module in TREE.values():
        if module.is_in(*core(*ARROWS[level])):
            reached = closure(GRAPH, module.name)
            wrong = [name for name in reached if any(is_below(name, part) for part in higher)]
            assert not wrong, f"{module.name} imports {wrong}"


@pytest.mark.parametrize("name", sorted(TREE))
def test_no_module_imports_itself_through_others(name: str) -> None:
    assert name not in closure(GRAPH, name)


def test_the_core_imports_no_transport() -> None:
    tree = {name: module for name, module in TREE.items() if module.is_in("sshpyk_core")}
    assert importers(tree, *TRANSPORT_PACKAGES) == []


def test_the_core_needs_an_ssh_library_only_for_testing() -> None:
    tree = {name: module for name, module in TREE.items() if module.is_in("sshpyk_core")}
    assert importers(tree, "asyncssh", "paramiko", but=core("testing")) == []
    assert importers(TREE, *core("testing"), but=core("testing", "cli")) == []


@pytest.mark.parametrize("package", TRANSPORT_PACKAGES)
def test_a_transport_imports_only_from_the_core_and_its_own_library(package: str) -> None:
    own = package.removeprefix("sshpyk_")
    tree = {name: module for name, module in TREE.items() if module.is_in(package)}
    others = [name for name in TRANSPORT_PACKAGES if name != package]
    libraries = {"asyncssh", "paramiko"} - {own}
    upper = core("link", "prompting", "host", "provisioner", "kernel_app", "cli")
    upper += core("remote", "testing")
    assert importers(tree, *others, *libraries, *upper) == []


def test_the_remote_package_imports_the_standard_library_and_itself() -> None:
    for module in TREE.values():
        if module.is_in(REMOTE):
            for name in module.imports():
                known = name.split(".")[0] in sys.stdlib_module_names or is_below(name, REMOTE)
                assert known, f"{module.name} imports {name}"


def test_the_remote_package_imports_itself_by_relative_names() -> None:
    # It travels alone, in an archive where there is no sshpyk_core around it.
    for module in TREE.values():
        if module.is_in(REMOTE):
            assert not re.search(r"^\s*(import|from) +sshpyk", module.source, re.M), module.name


def test_the_local_side_imports_only_the_wire_from_the_remote_package() -> None:
    found = importers(TREE, REMOTE, but=(REMOTE,))
    allowed = [one for one in found if any(is_below(one.split(" -> ")[1], w) for w in WIRE)]
    assert found == allowed


def test_nothing_but_the_face_calls_a_hook() -> None:
    allowed = core("transport")
    for module in TREE.values():
        if not module.is_in(*allowed):
            assert not set(module.calls()) & set(HOOKS), module.name
    relay = [name for name, module in TREE.items() if re.search(r"\.hook\b", module.source)]
    assert set(relay) <= set(core("transport", "plugin_check"))


def test_the_provisioner_does_not_load_what_no_target_asked_for() -> None:
    code = "import sys, sshpyk_core.provisioner; print(*sys.modules)"
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert not loaded & {"asyncssh", "paramiko", "pytest", *TRANSPORT_PACKAGES}
    assert not [name for name in loaded if name.startswith("sshpyk_core.testing")]


# The remote package on old interpreters


def test_the_remote_package_needs_nothing_newer_than_python_3_6() -> None:
    main = "import sys, vermin; sys.argv[0] = 'vermin'; vermin.main()"
    options = ("-t=3.6-", "--violations", "--eval-annotations", "--no-tips")
    done = run(sys.executable, "-c", main, *options, str(REMOTE_FOLDER))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_remote_package_imports_on_a_real_python_3_6(tmp_path: Path) -> None:
    if OLDEST is None:
        pytest.skip("no Python 3.6 on this machine; vermin has looked at the syntax")
    shutil.copytree(REMOTE_FOLDER, tmp_path / "remote")
    code = (
        "import compileall, importlib, pathlib, sys; sys.path.insert(0, sys.argv[1])\n"
        "here = pathlib.Path(sys.argv[1]) / 'remote'\n"
        "assert compileall.compile_dir(str(here), quiet=1)\n"
        "for path in here.glob('*.py'):\n"
        "    if path.stem != '__main__':\n"
        "        importlib.import_module('remote.' + path.stem)\n"
    )
    done = run(OLDEST, "-I", "-S", "-c", code, str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


# Versions


def projects() -> dict[str, dict[str, Any]]:
    """The project tables of the five distributions."""
    folders = [ROOT, *(ROOT / package for package in PACKAGES)]
    tables = [tomllib.loads((folder / "pyproject.toml").read_text()) for folder in folders]
    return {table["project"]["name"]: table["project"] for table in tables}


def test_the_five_versions_agree() -> None:
    tables = projects()
    assert len(tables) == 5
    assert len({table["version"] for table in tables.values()}) == 1


def test_the_pins_between_the_distributions_agree() -> None:
    tables = projects()
    version = tables["sshpyk"]["version"]
    for name, table in tables.items():
        extras = table.get("optional-dependencies", {}).values()
        wanted = [*table["dependencies"], *(one for extra in extras for one in extra)]
        ours = [one for one in wanted if one.startswith("sshpyk")]
        assert all(one.endswith(f"=={version}") for one in ours), name
        if name.count("-"):
            assert not [one for one in ours if not one.startswith("sshpyk-core")], name


@pytest.mark.parametrize("package", PACKAGES)
def test_a_version_in_a_package_is_that_of_its_distribution(package: str) -> None:
    version = projects()["sshpyk"]["version"]
    named = getattr(importlib.import_module(package), "__version__", version)
    assert named == version


# Public names


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_the_public_names_are_those_that_plugin_authors_rely_on(name: str) -> None:
    module = importlib.import_module(f"sshpyk_core.{name}")
    assert module.__all__ == PUBLIC_NAMES[name]


@pytest.mark.parametrize("module", [errors, types])
def test_all_lists_every_public_name(module: Any) -> None:
    defined = set()
    for node in TREE[module.__name__].tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            defined.add(node.name)
        elif isinstance(node, ast.Assign):
            defined.update(target.id for target in node.targets if isinstance(target, ast.Name))
    assert {name for name in defined if not name.startswith("_")} == set(module.__all__)


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    drawn, above = {}, ["Exception"]
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    ((?:[│ ] {3})*(?:[├└]── )?)(\w+Error)\b", line):
            depth = len(match[1]) // 4
            del above[depth + 1 :]
            drawn[match[2]] = above[-1]
            above.append(match[2])
    classes = {name: getattr(errors, name).__base__.__name__ for name in errors.__all__}
    assert drawn == classes


# Sizes


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


@pytest.mark.parametrize("name", sorted(TREE))
def test_files_and_functions_stay_small(name: str) -> None:
    module = TREE[name]
    assert module.source.count("\n") <= 300
    for function in functions(module.tree):
        assert (function.end_lineno or 0) - function.lineno < 50, function.name


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.stem)
def test_test_files_stay_small(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= 500
