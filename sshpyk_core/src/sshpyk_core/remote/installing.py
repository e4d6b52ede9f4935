"""What an interpreter has of ipykernel, and the command that would install it there."""

import os
import re
from typing import List, Mapping, NamedTuple, Optional

from .discovery import Interpreter, expand_home, find_program, is_program
from .environments import Place

PACKAGE = "ipykernel"

_RECORD = re.compile(PACKAGE + r"-(\d[^-]*?)(-py[\d.]+)?\.(dist-info|egg-info)")

CONDA_PROGRAMS = ("mamba", "conda", "micromamba")

USUAL = ("~/.local/bin", "~/.cargo/bin", "~/bin", "~/.pixi/bin")
"""Where such tools install themselves for one user, beside the PATH."""


class Installed(NamedTuple):
    """What there is.

    Attributes:
        version: of ipykernel; "" when it does not tell, None when it is not there.
        writable: whether this user may install packages there.
        command: what would install it; None when there is no way.
    """

    version: Optional[str]
    writable: bool
    command: Optional[List[str]]


def look(place: Place, interpreter: Interpreter, env: Mapping[str, str]) -> Installed:
    """Say what an interpreter has and could have.

    Args:
        place: where it was found.
        interpreter: what it is.
        env: the environment of the login.
    """
    site = _site_packages(interpreter)
    writable = os.access(site, os.W_OK)
    return Installed(_version(interpreter), writable, _command(place, interpreter, env))


def _version(interpreter: Interpreter) -> Optional[str]:
    """Read the version off the name of a directory: importlib.metadata would be slow."""
    for path in interpreter.path:
        if _has(path, PACKAGE):
            try:
                matches = [_RECORD.fullmatch(name) for name in os.listdir(path)]
            except OSError:
                return ""
            return next((match.group(1) for match in matches if match), "")
    return None


def _has(path: str, package: str) -> bool:
    return os.path.isfile(os.path.join(path, package, "__init__.py"))


def _site_packages(interpreter: Interpreter) -> str:
    inside = interpreter.prefix.rstrip(os.sep) + os.sep
    for path in interpreter.path:
        if path.startswith(inside) and path.endswith(("site-packages", "dist-packages")):
            return path
    return interpreter.prefix


def _command(place: Place, interpreter: Interpreter, env: Mapping[str, str]) -> Optional[List[str]]:
    if place.kind == "conda":
        conda = _conda(interpreter.prefix, env)
        if conda:
            return [conda, "install", "-y", "-p", interpreter.prefix, PACKAGE]
    if place.kind == "pixi":
        command = _pixi(place, env)
        if command:
            return command
    if interpreter.prefix == interpreter.base_prefix and _is_managed(interpreter):
        return None
    if any(_has(path, "pip") for path in interpreter.path):
        return [interpreter.executable, "-m", "pip", "install", PACKAGE]
    uv = _tool("uv", env)
    if uv:
        return [uv, "pip", "install", "--python", interpreter.executable, PACKAGE]
    return None


def _is_managed(interpreter: Interpreter) -> bool:
    """Say whether others than pip look after it: the mark of PEP 668."""
    major, minor = interpreter.version[:2]
    name = "python%d.%d" % (major, minor)
    folders = [os.path.join(interpreter.prefix, "lib", name)]
    folders += [path for path in interpreter.path if os.path.basename(path) in (name, "python3")]
    return any(os.path.isfile(os.path.join(each, "EXTERNALLY-MANAGED")) for each in folders)


def _conda(prefix: str, env: Mapping[str, str]) -> Optional[str]:
    """Find the program of the installation that an environment belongs to, or any."""
    roots = [prefix, os.path.dirname(os.path.dirname(prefix))]
    for root in roots:
        for name in CONDA_PROGRAMS:
            for folder in ("bin", "condabin"):
                path = os.path.join(root, folder, name)
                if is_program(path):
                    return path
    for variable in ("MAMBA_EXE", "CONDA_EXE"):
        if is_program(env.get(variable, "")):
            return env[variable]
    return next(filter(None, (_tool(name, env) for name in CONDA_PROGRAMS)), None)


def _pixi(place: Place, env: Mapping[str, str]) -> Optional[List[str]]:
    """Give the command for the usual environment of a project: others have names of their own."""
    folder, name = os.path.split(place.root)
    manifest = os.path.join(os.path.dirname(os.path.dirname(folder)), "pixi.toml")
    pixi = _tool("pixi", env)
    if pixi and name == "default" and os.path.isfile(manifest):
        return [pixi, "add", "--manifest-path", manifest, PACKAGE]
    return None


def _tool(name: str, env: Mapping[str, str]) -> Optional[str]:
    for folder in USUAL:
        path = os.path.join(expand_home(folder, env), name)
        if is_program(path):
            return path
    return find_program(name, env)
