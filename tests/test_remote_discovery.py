"""What the remote package learns about the interpreters of its host."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sshpyk_core.remote import discovery, survey
from sshpyk_core.remote.discovery import DiscoveryError, Interpreter
from sshpyk_core.remote.environments import Place, Places
from support.pythons import PYTHONS, make_venv
from support.scripts import script


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of a login whose home directory is empty."""
    home = tmp_path / "home"
    home.mkdir()
    return {"HOME": str(home), "PATH": os.defpath}


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return make_venv(tmp_path / "venv")


def _usable(choice: str, env: dict[str, str]) -> list[Interpreter]:
    try:
        return list(discovery.interpreters(choice, env))
    except DiscoveryError:
        return []


@pytest.mark.parametrize("python", PYTHONS)
def test_it_says_what_it_says_of_itself(python: str, env: dict[str, str]) -> None:
    code = (
        "import json, site, sys; print(json.dumps([sys.prefix, list(sys.version_info[:3]),"
        " site.getuserbase(), bool(site.ENABLE_USER_SITE)]))"
    )
    answer = subprocess.run([python, "-c", code], env=env, stdout=subprocess.PIPE, check=True)
    prefix, version, user_base, enabled = json.loads(answer.stdout)
    found = discovery.describe_interpreter(python, env)
    assert found.executable == python
    assert found.prefix == prefix
    assert list(found.version) == version
    assert found.user_base == user_base == env["HOME"] + "/.local"
    assert found.user_site_enabled == enabled


def test_a_virtual_environment_has_its_own_prefix_and_no_user_site(
    venv: Path, env: dict[str, str]
) -> None:
    found = discovery.describe_interpreter(str(venv / "bin/python"), env)
    assert found.prefix == str(venv)
    assert found.base_prefix == sys.base_prefix
    assert not found.user_site_enabled


def test_a_virtual_environment_with_system_packages_has_the_user_site(
    tmp_path: Path, env: dict[str, str]
) -> None:
    path = make_venv(tmp_path / "venv", "--system-site-packages") / "bin/python"
    assert discovery.describe_interpreter(str(path), env).user_site_enabled
    env["PYTHONNOUSERSITE"] = "1"
    assert not discovery.describe_interpreter(str(path), env).user_site_enabled


def test_the_environment_cannot_lead_it_astray(tmp_path: Path, env: dict[str, str]) -> None:
    script(tmp_path / "json.py", "raise SystemExit('not the json you want')")
    script(tmp_path / "start.py", "print('hello')")
    env.update(PYTHONPATH=str(tmp_path), PYTHONSTARTUP=str(tmp_path / "start.py"))
    env.update(PYTHONINSPECT="1", PYTHONWARNINGS="error", PYTHONVERBOSE="1")
    found = discovery.describe_interpreter(sys.executable, env)
    assert found.prefix == sys.prefix
    assert found.path[0] == str(tmp_path)


def test_pythonhome_is_honoured(env: dict[str, str]) -> None:
    env["PYTHONHOME"] = sys.base_prefix
    python = os.path.join(sys.base_prefix, "bin", "python3")
    if not os.access(python, os.X_OK):
        pytest.skip("this Python is not installed under its base prefix")
    assert discovery.describe_interpreter(python, env).prefix == sys.base_prefix
    env["PYTHONHOME"] = "/nowhere"
    with pytest.raises(DiscoveryError) as caught:
        discovery.describe_interpreter(python, env)
    assert caught.value.kind == "not-python"


def test_a_wrapper_that_prints_is_understood_and_stays_a_wrapper(
    tmp_path: Path, env: dict[str, str]
) -> None:
    text = f"#!/bin/sh\necho welcome\nprintf no-newline\nexec '{sys.executable}' \"$@\"\n"
    path = script(tmp_path / "my python", text)
    found = discovery.describe_interpreter(path, env)
    assert found.executable == path
    assert found.prefix == sys.prefix


def test_a_missing_one_is_named(env: dict[str, str]) -> None:
    with pytest.raises(DiscoveryError, match=r"/home/no/python: there is no such file") as caught:
        discovery.describe_interpreter("~/no/python", env)
    assert caught.value.kind == "missing"


def test_a_file_without_the_executable_bit_is_named(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "python").touch(mode=0o644)
    with pytest.raises(DiscoveryError, match="may not be executed") as caught:
        discovery.describe_interpreter(str(tmp_path / "python"), env)
    assert caught.value.kind == "not-executable"


def test_a_file_of_another_format_is_named(tmp_path: Path, env: dict[str, str]) -> None:
    path = script(tmp_path / "python", "\0\0\0")
    with pytest.raises(DiscoveryError, match="cannot be executed: Exec format") as caught:
        discovery.describe_interpreter(path, env)
    assert caught.value.kind == "not-executable"


@pytest.mark.parametrize("text", ["echo broken >&2; exit 3", 'echo "$@"; exit 3'])
def test_another_program_is_no_python(tmp_path: Path, env: dict[str, str], text: str) -> None:
    path = script(tmp_path / "python", f"#!/bin/sh\n{text}\n")
    with pytest.raises(DiscoveryError, match="exit status 3") as caught:
        discovery.describe_interpreter(path, env)
    assert caught.value.kind == "not-python"


def test_a_slow_one_is_killed_with_its_children(tmp_path: Path, env: dict[str, str]) -> None:
    path = script(tmp_path / "python", "#!/bin/sh\nsleep 600\nexit 0\n")
    began = time.monotonic()
    with pytest.raises(DiscoveryError, match=r"within 0\.2 s") as caught:
        discovery.describe_interpreter(path, env, timeout=0.2)
    assert caught.value.kind == "too-slow"
    assert time.monotonic() - began < 60


def test_a_bare_name_is_looked_up_on_the_path(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "bin" / "python9").mkdir(parents=True)
    path = script(tmp_path / "opt" / "python9", "#!/bin/sh\n")
    env["PATH"] = f"relative::{tmp_path / 'bin'}:{tmp_path / 'opt'}"
    assert discovery.candidates("python9", env) == [path]
    with pytest.raises(DiscoveryError, match=r"python10 is not on the PATH: relative::"):
        discovery.candidates("python10", env)


def test_auto_takes_the_first_python3_that_works(
    tmp_path: Path, env: dict[str, str], venv: Path
) -> None:
    env["PATH"] = str(venv / "bin")
    assert next(discovery.interpreters("auto", env)).prefix == str(venv)
    broken = script(tmp_path / "bin" / "python3", "#!/bin/sh\nexit 9\n")
    env["PATH"] = str(tmp_path / "bin")
    assert discovery.candidates("auto", env)[0] == broken
    found = [each.executable for each in _usable("auto", env)]
    assert found == discovery.candidates("auto", env)[1:]


def test_a_named_one_has_no_substitute(env: dict[str, str]) -> None:
    with pytest.raises(DiscoveryError, match="/nowhere/python"):
        list(discovery.interpreters("/nowhere/python", env))


def test_one_that_leaves_its_output_open_is_given_up(tmp_path: Path, env: dict[str, str]) -> None:
    text = f"#!/bin/sh\nsetsid sleep 20 &\necho $! >{tmp_path}/pid\n"
    path = script(tmp_path / "python", text)
    began = time.monotonic()
    try:
        with pytest.raises(DiscoveryError, match=r"within 0\.5 s"):
            discovery.describe_interpreter(path, env, timeout=0.5)
        assert time.monotonic() - began < 10
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_one_that_answers_nonsense_spoils_no_other(tmp_path: Path, env: dict[str, str]) -> None:
    odd = script(tmp_path / "python", "#!/bin/sh\necho sshpyk-interpreter:[]\n")
    places = [Place(path, "named", "", "") for path in (odd, sys.executable)]
    bad, good = survey.ask(places, env, time.monotonic() + 20)
    assert bad.interpreter is None
    assert "TypeError" in bad.problem
    assert good.interpreter is not None
    assert good.interpreter.executable == sys.executable


def test_a_list_of_environments_that_is_no_file_holds_up_nothing(env: dict[str, str]) -> None:
    folder = Path(env["HOME"]) / ".conda"
    folder.mkdir()
    os.mkfifo(folder / "environments.txt")
    places = Places(env)
    places.look([])
    assert places.problems == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
@pytest.mark.parametrize("theirs", ["shared", "shared/.venv"])
def test_programs_of_other_users_are_not_run_unasked(
    env: dict[str, str], tmp_path: Path, theirs: str
) -> None:
    root = tmp_path / "group" / ".venv"
    (root / "bin").mkdir(parents=True)
    (root / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (Path(env["HOME"]) / "shared").symlink_to(root.parent)
    mine = Places(env)
    mine.look([])
    assert str(Path(env["HOME"]) / "shared/.venv") in {each.root for each in mine.found}
    os.chown(Path(env["HOME"]) / theirs, 12345, -1)
    places = Places(env)
    places.look([])
    assert not [each for each in places.found if each.root.endswith("/shared/.venv")]
    assert list(places.problems) == [str(Path(env["HOME"]) / theirs)]
