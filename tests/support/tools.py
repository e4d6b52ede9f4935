"""Environments as a remote user makes them with several tools, and what those install."""

from __future__ import annotations

import ensurepip
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from support.environments import has_ipykernel
from support.pythons import make_venv
from support.require import missing, require_program
from support.scripts import script

__all__ = [
    "conda_environment",
    "conda_root",
    "give_ipykernel",
    "give_pip",
    "ipykernel_wheel",
    "use_wheels_of",
    "uv_environment",
    "venv",
]

SPEC = Path(sys.prefix) / "share/jupyter/kernels/python3"
"""What pip makes of ipykernel's kernel spec."""


def venv(home: Path, name: str, *, ipykernel: bool = True) -> Path:
    """Make ``~/venvs/NAME``."""
    return _with(make_venv(home / "venvs" / name), ipykernel)


def uv_environment(home: Path, name: str, *, ipykernel: bool = True) -> Path:
    """Make ``~/NAME/.venv`` as ``uv venv`` does."""
    uv = require_program("uv", "uv")
    path = home / name / ".venv"
    path.parent.mkdir()
    command = [uv, "venv", "-q", "--offline", "--no-config", "--python", sys.executable, str(path)]
    subprocess.run(command, check=True)
    return _with(path, ipykernel)


def conda_root(home: Path, *, ipykernel: bool = False) -> Path:
    """Make ``~/miniforge3``, which looks like one and has no more than an interpreter."""
    root = _conda(home / "miniforge3", ipykernel)
    script(root / "condabin/conda", "#!/bin/sh\necho conda: $*\n")
    return root


def conda_environment(root: Path, name: str, *, ipykernel: bool = True) -> Path:
    """Make an environment below a root."""
    return _conda(root / "envs" / name, ipykernel)


def give_ipykernel(environment: Path, **kernel_json: object) -> None:
    """Let an environment have what this one has of ipykernel, and its kernel spec as pip does."""
    has_ipykernel(environment)
    spec = environment / "share/jupyter/kernels/python3"
    shutil.copytree(SPEC, spec)
    if kernel_json:
        content = json.loads((spec / "kernel.json").read_text(encoding="utf-8"))
        text = json.dumps({**content, **kernel_json})
        (spec / "kernel.json").write_text(text, encoding="utf-8")


def give_pip(environment: Path) -> None:
    """Let an environment use the pip that Python brings along."""
    (folder,) = (environment / "lib").glob("python3*/site-packages")
    library = Path(ensurepip.__file__).parents[1]
    if (library / "site-packages/pip").is_dir():  # compiled already, so quicker
        (folder / "pip").symlink_to(library / "site-packages/pip")
        return
    wheels = list((library / "ensurepip/_bundled").glob("pip-*.whl"))
    if not wheels:
        missing("ensurepip's pip", "python3-venv")
    with zipfile.ZipFile(wheels[0]) as archive:
        archive.extractall(folder)


def ipykernel_wheel(folder: Path) -> Path:
    """Make a wheel of that name with a kernel spec and nothing that it would need."""
    folder.mkdir()
    wheel = folder / "ipykernel-99.0-py3-none-any.whl"
    info = "ipykernel-99.0.dist-info"
    files = {
        "ipykernel/__init__.py": "",
        "ipykernel-99.0.data/data/share/jupyter/kernels/python3/kernel.json": json.dumps(
            {
                "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
            }
        ),
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: ipykernel\nVersion: 99.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return wheel


def use_wheels_of(home: Path, folder: Path) -> None:
    """Let the remote user's pip look into a folder, and never at an index."""
    config = home / ".config/pip/pip.conf"
    config.parent.mkdir(parents=True)
    text = f"[global]\nno-index = true\nfind-links = {folder}\ndisable-pip-version-check = true\n"
    config.write_text(text, encoding="utf-8")


def _conda(path: Path, ipykernel: bool) -> Path:
    make_venv(path)
    (path / "conda-meta").mkdir()
    return _with(path, ipykernel)


def _with(path: Path, ipykernel: bool) -> Path:
    if ipykernel:
        give_ipykernel(path)
    return path
