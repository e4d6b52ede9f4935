"""What the remote package finds on its host: Jupyter's directories, kernel specs, commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ipykernel.kernelspec import get_kernel_dict
from sshpyk_core.remote import catalogue, discovery, jupyter_paths, kernelspecs
from sshpyk_core.remote.discovery import Interpreter
from sshpyk_core.remote.kernelspecs import KernelSpec, KernelSpecError
from support.pythons import OLDEST, make_venv
from support.scripts import script

REMOTE_PACKAGE = Path(discovery.__file__).parent
ARGV = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of a login whose home directory is empty."""
    home = tmp_path / "home"
    home.mkdir()
    return {"HOME": str(home), "PATH": os.defpath}


@pytest.fixture(scope="module")
def this_python(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    home = tmp_path_factory.mktemp("home")
    return discovery.describe_interpreter(sys.executable, {"HOME": str(home)})


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_venv(tmp_path_factory.mktemp("env") / "venv")


def install(data_dir: Path, name: str, **content: Any) -> Path:
    folder = data_dir / "kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({"argv": ARGV, **content}))
    return folder


def user_dir(env: dict[str, str]) -> Path:
    return Path(jupyter_paths.user_paths(env, NOBODY)[0])


NOBODY = Interpreter("/nowhere/bin/python", "/nowhere", "/nowhere", (3, 9, 0), None, False, ())


ENVIRONMENTS: dict[str, dict[str, str]] = {
    "plain": {},
    "jupyter path": {"JUPYTER_PATH": "/a/b/:/c"},
    "data dir": {"JUPYTER_DATA_DIR": "/data"},
    "xdg": {"XDG_DATA_HOME": "/xdg"},
    "prefer env": {"JUPYTER_PREFER_ENV_PATH": "1"},
    "prefer user": {"JUPYTER_PREFER_ENV_PATH": "No"},
    "user base": {"PYTHONUSERBASE": "/base/"},
    "no user site": {"PYTHONNOUSERSITE": "1"},
    "conda": {"CONDA_PREFIX": sys.prefix, "CONDA_DEFAULT_ENV": "work"},
    "conda base": {"CONDA_PREFIX": sys.prefix, "CONDA_DEFAULT_ENV": "base"},
    "platform dirs": {"JUPYTER_PLATFORM_DIRS": "1"},
    "platform dirs and xdg": {
        "JUPYTER_PLATFORM_DIRS": "1",
        "XDG_DATA_HOME": "/xdg",
        "XDG_DATA_DIRS": "/one:/two",
    },
}


class TestDataDirectories:
    @pytest.mark.parametrize("case", ENVIRONMENTS)
    @pytest.mark.parametrize("python", ["own", "base"])
    def test_they_are_those_of_jupyter_core(
        self, case: str, python: str, env: dict[str, str]
    ) -> None:
        import jupyter_core
        import platformdirs

        env.update(ENVIRONMENTS[case])
        base = os.path.join(sys.base_prefix, "bin", "python3")
        executable = base if python == "base" and os.access(base, os.X_OK) else sys.executable
        libraries = sorted(
            {str(Path(m.__file__ or "").parents[1]) for m in (jupyter_core, platformdirs)}
        )
        code = (
            f"import sys, json; sys.path += {libraries!r};"
            "from jupyter_core.paths import jupyter_path; print(json.dumps(jupyter_path()))"
        )
        answer = subprocess.run(
            [executable, "-c", code], env=env, stdout=subprocess.PIPE, check=True
        )
        interpreter = discovery.describe_interpreter(executable, env)
        assert jupyter_paths.jupyter_path(env, interpreter) == json.loads(answer.stdout)

    def test_a_linked_home_is_resolved(self, tmp_path: Path, env: dict[str, str]) -> None:
        (tmp_path / "link").symlink_to(env["HOME"])
        real = os.path.realpath(env["HOME"])
        env["HOME"] = str(tmp_path / "link")
        assert jupyter_paths.user_paths(env, NOBODY)[0].startswith(real)

    def test_relative_directories_hold_no_kernels(self, env: dict[str, str]) -> None:
        env["JUPYTER_PATH"] = "here::/there"
        folders = jupyter_paths.kernel_dirs(env, NOBODY)
        assert folders[0] == "/there/kernels"
        assert all(os.path.isabs(folder) for folder in folders)


class TestFinding:
    @pytest.fixture(autouse=True)
    def _without_the_kernels_of_this_machine(self, tmp_path: Path, env: dict[str, str]) -> None:
        env.update(JUPYTER_PLATFORM_DIRS="1", XDG_DATA_DIRS=str(tmp_path / "nothing"))

    def test_a_spec_is_read_with_its_defaults(self, env: dict[str, str]) -> None:
        folder = install(user_dir(env), "MyKernel")
        spec = kernelspecs.find("mykernel", env, NOBODY)
        assert spec == KernelSpec("mykernel", str(folder), ARGV, {}, "mykernel", "", "signal", {})
        assert kernelspecs.find("MYKERNEL", env, NOBODY) == spec

    def test_a_spec_is_read_with_all_it_says(self, env: dict[str, str]) -> None:
        metadata = {"debugger": True}
        said = {"env": {"A": "1"}, "display_name": "Ü", "language": "R", "metadata": metadata}
        install(user_dir(env), "r", interrupt_mode="Message", mimetype="x", **said)
        spec = kernelspecs.find("r", env, NOBODY)
        assert (spec.env, spec.display_name, spec.language) == ({"A": "1"}, "Ü", "R")
        assert (spec.interrupt_mode, spec.metadata) == ("message", metadata)

    def test_jupyter_path_wins(self, tmp_path: Path, env: dict[str, str]) -> None:
        install(user_dir(env), "k", display_name="user")
        install(tmp_path / "extra", "k", display_name="extra")
        env["JUPYTER_PATH"] = str(tmp_path / "extra")
        assert kernelspecs.find("k", env, NOBODY).display_name == "extra"

    def test_the_order_depends_on_the_environment(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        path = make_venv(tmp_path / "venv")
        install(user_dir(env), "k", display_name="user")
        install(path / "share" / "jupyter", "k", display_name="venv")
        python = discovery.describe_interpreter(str(path / "bin/python"), env)
        assert kernelspecs.find("k", env, python).display_name == "venv"
        env["JUPYTER_PREFER_ENV_PATH"] = "0"
        assert kernelspecs.find("k", env, python).display_name == "user"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{",
            "\udcff",
            "[" * 100_000,
            '{"argv": []}',
            '{"argv": "python"}',
            '{"argv": ["python", 3]}',
            '{"argv": [""]}',
            '{"argv": ["a\\u0000b"]}',
            '{"argv": ["x"], "env": []}',
            '{"argv": ["x"], "env": {"A": 1}}',
            '{"argv": ["x"], "env": {"A=B": "1"}}',
            '{"argv": ["x"], "interrupt_mode": "shout"}',
            '{"argv": ["x"], "interrupt_mode": null}',
            '{"argv": ["x"], "metadata": []}',
            '{"argv": ["x"], "language": 3}',
        ],
    )
    def test_a_broken_spec_is_set_aside(self, env: dict[str, str], text: str) -> None:
        install(user_dir(env), "good")
        broken = install(user_dir(env), "broken") / "kernel.json"
        broken.write_bytes(text.encode("utf-8", "surrogateescape"))
        found = kernelspecs.find_all(env, NOBODY)
        assert "good" in found.specs
        assert "broken" not in found.specs
        assert str(broken) in found.problems["broken"]
        with pytest.raises(KernelSpecError) as caught:
            kernelspecs.find("broken", env, NOBODY)
        assert caught.value.kind == "broken"
        assert str(broken) in str(caught.value)

    def test_what_is_no_spec_is_passed_over(self, env: dict[str, str]) -> None:
        kernels = user_dir(env) / "kernels"
        install(user_dir(env), "good")
        install(user_dir(env), "bad name; $(id)")
        (kernels / "empty").mkdir()
        (kernels / "file").touch()
        (kernels / "loop").symlink_to("loop")
        os.mkfifo((kernels / "empty") / "kernel.json")
        found = kernelspecs.find_all(env, NOBODY)
        assert set(found.specs) == {"good"}
        assert list(found.problems) == ["bad name; $(id)"]

    @pytest.mark.parametrize("name", ["", "../x", "a b", "$(id)", "a\n", "ü"])
    def test_a_nasty_name_is_refused(self, env: dict[str, str], name: str) -> None:
        with pytest.raises(KernelSpecError, match="is no kernel name") as caught:
            kernelspecs.find(name, env, NOBODY)
        assert caught.value.kind == "name"

    def test_a_missing_one_tells_what_there_is(self, env: dict[str, str]) -> None:
        install(user_dir(env), "one")
        install(user_dir(env), "two")
        with pytest.raises(KernelSpecError, match=r"no kernel 'three' .*one.*two") as caught:
            kernelspecs.find("three", env, NOBODY)
        assert caught.value.kind == "missing"
        assert caught.value.available == ("one", "two")

    def test_ipykernel_without_a_spec_is_the_native_kernel(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        package = tmp_path / "lib" / "ipykernel"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        python = NOBODY._replace(path=(str(tmp_path / "none"), str(tmp_path / "lib")))
        spec = kernelspecs.find("python3", env, python)
        assert kernelspecs.plan(spec, python, env, "/c.json", {}).argv == [
            "/nowhere/bin/python",
            *["-m", "ipykernel_launcher", "-f", "/c.json"],
        ]
        install(user_dir(env), "python3", display_name="mine")
        assert kernelspecs.find("python3", env, python).display_name == "mine"

    def test_auto_finds_the_kernel_of_the_environment_on_the_path(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        path = make_venv(tmp_path / "venv")
        install(path / "share" / "jupyter", "only-here")
        env["PATH"] = str(path / "bin")
        spec, python = kernelspecs.locate("only-here", "auto", env)
        assert (spec.name, python.prefix) == ("only-here", str(path))
        with pytest.raises(KernelSpecError, match=r"no kernel 'nope' .*only-here") as caught:
            kernelspecs.locate("nope", "auto", env)
        assert "only-here" in caught.value.available


def spec_of(folder: str, argv: list[str], **fields: Any) -> KernelSpec:
    return KernelSpec("k", folder, argv, {}, "k", "python", "signal", {})._replace(**fields)


class TestPlanning:
    @pytest.mark.parametrize("name", ["python", "python3", "python3.9"])
    def test_python_in_a_user_spec_is_the_chosen_interpreter(
        self, env: dict[str, str], name: str
    ) -> None:
        script(Path(env["HOME"]) / ".local/bin/python", "#!/bin/sh\n")
        spec = spec_of(str(install(user_dir(env), "k")), [name, "-m", "x"])
        plan = kernelspecs.plan(spec, NOBODY, env, "/c.json", {})
        assert plan.argv == ["/nowhere/bin/python", "-m", "x"]

    def test_python_in_a_system_spec_is_the_chosen_interpreter(self, env: dict[str, str]) -> None:
        spec = spec_of("/usr/share/jupyter/kernels/k", ["python3"])
        assert kernelspecs.plan(spec, NOBODY, env, "/c", {}).argv == ["/nowhere/bin/python"]

    def test_python_in_the_spec_of_an_environment_is_that_environments(
        self, env: dict[str, str], venv: Path
    ) -> None:
        folder = str(venv / "share/jupyter/kernels/k")
        plan = kernelspecs.plan(spec_of(folder, ["python3", "{prefix}"]), NOBODY, env, "/c", {})
        assert plan.argv == [str(venv / "bin/python3"), str(venv)]

    def test_python_in_the_chosen_environment_is_as_it_was_chosen(
        self, env: dict[str, str]
    ) -> None:
        spec = spec_of("/nowhere/share/jupyter/kernels/k", ["python", "{prefix}"])
        assert kernelspecs.plan(spec, NOBODY, env, "/c", {}).argv == [
            "/nowhere/bin/python",
            "/nowhere",
        ]

    def test_another_version_of_python_is_looked_up(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        path = script(tmp_path / "python2", "#!/bin/sh\n")
        env["PATH"] = str(tmp_path)
        assert kernelspecs.plan(spec_of("/x/k", ["python2"]), NOBODY, env, "/c", {}).argv == [path]

    def test_another_program_is_looked_up_on_the_path(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        path = script(tmp_path / "xr", "#!/bin/sh\n")
        spec = spec_of("/x/k", ["xr", "-f"], env={"PATH": f"{tmp_path}:${{PATH}}"})
        plan = kernelspecs.plan(spec, NOBODY, env, "/c", {})
        assert plan.argv == [path, "-f"]
        assert plan.env["PATH"] == f"{tmp_path}:{env['PATH']}"

    @pytest.mark.parametrize("program", ["no-such-program", "/no/such/program"])
    def test_a_missing_program_is_named(self, env: dict[str, str], program: str) -> None:
        with pytest.raises(KernelSpecError, match=f"'k' of /x/k runs {program}") as caught:
            kernelspecs.plan(spec_of("/x/k", [program]), NOBODY, env, "/c", {})
        assert caught.value.kind == "program"

    def test_templates_are_filled_and_others_left(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        path = script(tmp_path / "my kernels" / "run", "#!/bin/sh\n")
        words = ["{resource_dir}/run", "{connection_file}", "a{prefix}b", "{x}", "{}", "{{prefix}}"]
        spec = spec_of(os.path.dirname(path), words)
        argv = kernelspecs.plan(spec, NOBODY, env, "/c {x}.json", {}).argv
        assert argv == [path, "/c {x}.json", "a/nowhereb", "{x}", "{}", "{/nowhere}"]

    def test_the_environment_is_built_in_layers(self, env: dict[str, str]) -> None:
        env.update(A="a", JPY_PARENT_PID="1", JPY_INTERRUPT_EVENT="2", PYTHONEXECUTABLE="/x")
        spec = spec_of("/x/k", ["python"], env={"B": "${A}b", "C": "$B", "D": "$$ ${", "A": "new"})
        extra = {"E": "${B}e", "F": "${NONE}", "JPY_SESSION_NAME": "s"}
        made = kernelspecs.plan(spec, NOBODY, env, "/c", extra).env
        assert made == {
            "HOME": env["HOME"],
            "PATH": env["PATH"],
            "A": "new",
            "B": "ab",
            "C": "$B",
            "D": "$ ${",
            "E": "abe",
            "F": "${NONE}",
            "JPY_SESSION_NAME": "s",
        }
        assert env["A"] == "a"

    def test_pythonexecutable_stays_for_other_languages(self, env: dict[str, str]) -> None:
        env["PYTHONEXECUTABLE"] = "/x"
        spec = spec_of("/x/k", ["python"], language="R")
        assert kernelspecs.plan(spec, NOBODY, env, "/c", {}).env["PYTHONEXECUTABLE"] == "/x"

    def test_what_was_planned_runs(self, env: dict[str, str], this_python: Interpreter) -> None:
        folder = install(user_dir(env), "k", argv=["python", "-c", "print('{connection_file}')"])
        assert folder.is_dir()
        spec = kernelspecs.find("k", env, this_python)
        plan = kernelspecs.plan(spec, this_python, env, "/c.json", {})
        done = subprocess.run(plan.argv, env=plan.env, stdout=subprocess.PIPE, check=True)
        assert done.stdout == b"/c.json\n"

    def test_ipykernel_of_this_environment_is_found(
        self, env: dict[str, str], this_python: Interpreter
    ) -> None:
        spec = kernelspecs.find("python3", env, this_python)
        plan = kernelspecs.plan(spec, this_python, env, "/c.json", {})
        assert plan.argv[-1] == "/c.json"
        code = [plan.argv[0], "-c", "import ipykernel_launcher, sys; print(sys.prefix)"]
        done = subprocess.run(code, env=plan.env, stdout=subprocess.PIPE, check=True)
        assert done.stdout.decode().strip() == sys.prefix


@pytest.mark.skipif(OLDEST is None, reason="there is no Python 3.6 here")
def test_all_of_it_runs_on_python_3_6_without_site(
    tmp_path: Path, env: dict[str, str], venv: Path
) -> None:
    (tmp_path / "package").symlink_to(REMOTE_PACKAGE)
    install(user_dir(env), "k", env={"A": "${HOME}"})
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r});"
        "from package import kernelspecs; import json, os;"
        f"spec, python = kernelspecs.locate('k', {str(venv / 'bin/python')!r}, os.environ);"
        "plan = kernelspecs.plan(spec, python, os.environ, '/c.json', {'B': '$A'});"
        "print(json.dumps([plan.argv, plan.env['A'], plan.env['B'], python.prefix]))"
    )
    done = subprocess.run(
        [str(OLDEST), "-I", "-S", "-B", "-c", code], env=env, stdout=subprocess.PIPE, check=True
    )
    argv = [str(venv / "bin/python"), "-m", "ipykernel_launcher", "-f", "/c.json"]
    assert json.loads(done.stdout) == [argv, env["HOME"], env["HOME"], str(venv)]


def test_the_native_kernel_has_the_metadata_of_its_ipykernel(
    env: dict[str, str], this_python: Interpreter, tmp_path: Path
) -> None:
    spec = kernelspecs.native(this_python)
    assert spec is not None
    assert catalogue.native_metadata(spec) == get_kernel_dict()["metadata"]
    older = spec._replace(resource_dir=str(tmp_path / "resources"))
    assert catalogue.native_metadata(older) == {}
    (tmp_path / "kernelspec.py").write_text("return {'metadata': { 'debugger': True}}")
    assert catalogue.native_metadata(older) == {"debugger": True}


def test_a_spec_that_cannot_be_told_is_a_problem_of_its_own(env: dict[str, str]) -> None:
    folder = install(user_dir(env), "odd")
    good = json.dumps({"argv": [sys.executable], "metadata": {"x": 0}})
    (folder / "kernel.json").write_text(good.replace("0", "NaN"))
    install(user_dir(env), "even", argv=[sys.executable])
    found = catalogue.Catalogue(env)
    found.fill([NOBODY], [])
    assert "even" in [each["name"] for each in found.kernels]
    assert "cannot be told" in found.problems[str(folder)]
