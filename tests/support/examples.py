"""The examples of the documentation, installed as a stranger would install them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from support.require import missing
from support.source_tree import ROOT

__all__ = ["EXAMPLES", "Environment", "install"]

EXAMPLES = ROOT / "docs/examples"

OURS = ("PYTHONPATH", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "VIRTUAL_ENV")
"""Variables of the running tests that a stranger's programs must not see."""


def install(folder: Path, *examples: str) -> Path:
    """Install examples; return the directory that then has to be on sys.path.

    Call this where HOME is still the user's own: its cache has what builds a wheel.
    """
    installed = folder / "installed"
    for example in examples:
        source = str(_copy(folder, example))
        _uv("pip", "install", "--no-deps", "--target", str(installed), source)
    return installed


class Environment:
    """A virtual environment with sshpyk-core and one example really installed.

    What they depend on is taken from the environment in which the tests run.

    Attributes:
        python: its interpreter.
        source: a copy of the example, away from the configuration of this repository.
    """

    def __init__(self, folder: Path, example: str) -> None:
        """Make it; call this where HOME is still the user's own."""
        environment = folder / "environment"
        _uv("venv", "--python", sys.executable, str(environment))
        self.python = environment / "bin/python"
        self.source = _copy(folder, example)
        purelib = sysconfig.get_path("purelib")
        here = environment / "lib" / Path(purelib).relative_to(sys.prefix).relative_to("lib")
        # Read as ours is, so that what is editable there can be imported here too.
        (here / "tests.pth").write_text(f"import site; site.addsitedir({purelib!r})\n")
        core = str(ROOT / "sshpyk_core")
        _uv("pip", "install", "--no-deps", "--python", str(self.python), core, str(self.source))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run its Python in the example's folder."""
        env = {name: value for name, value in os.environ.items() if name not in OURS}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.source,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )


def _copy(folder: Path, example: str) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    return shutil.copytree(EXAMPLES / example, folder / "source" / example, ignore=ignored)


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv") or missing("uv", "pipx, which installs it")
    done = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
