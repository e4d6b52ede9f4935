"""The directories where Jupyter looks for data on this host, for a given interpreter.

The order is that of ``jupyter_core.paths.jupyter_path`` (jupyter_core 5), which need not be
installed here, and of ``jupyter_client.kernelspec`` for what it adds.
"""

import os
import sys
from typing import List, Mapping

from .discovery import Interpreter, expand_home

SYSTEM_PATHS = ("/usr/local/share/jupyter", "/usr/share/jupyter")


def jupyter_path(env: Mapping[str, str], interpreter: Interpreter) -> List[str]:
    """Give the data directories, the one that wins first; they need not exist.

    Args:
        env: the environment that Jupyter would run in.
        interpreter: the interpreter that Jupyter would run on.
    """
    paths = []
    if env.get("JUPYTER_PATH"):
        paths += [path.rstrip(os.sep) for path in env["JUPYTER_PATH"].split(os.pathsep)]
    system = _system_paths(env)
    prefix = os.path.join(interpreter.prefix, "share", "jupyter")
    own = [prefix] if prefix not in system else []
    user = user_paths(env, interpreter)
    paths += own + user if _prefers_environment(env, interpreter) else user + own
    return paths + [path for path in system if path not in paths]


def kernel_dirs(env: Mapping[str, str], interpreter: Interpreter) -> List[str]:
    """Give the directories that hold kernel specs, the one that wins first.

    Those relative to a current directory that nobody can know here are left out.
    """
    ipython = env.get("IPYTHONDIR") or os.path.join(expand_home("~", env), ".ipython")
    paths = [*jupyter_path(env, interpreter), ipython]
    return [os.path.join(path, "kernels") for path in paths if os.path.isabs(path)]


def user_paths(env: Mapping[str, str], interpreter: Interpreter) -> List[str]:
    """Give the data directories that belong to the user rather than to an interpreter."""
    paths = [_data_dir(env)]
    if interpreter.user_site_enabled and interpreter.user_base:
        path = os.path.join(interpreter.user_base, "share", "jupyter")
        if path not in paths:
            paths.append(path)
    return paths


def _data_dir(env: Mapping[str, str]) -> str:
    if env.get("JUPYTER_DATA_DIR"):
        return env["JUPYTER_DATA_DIR"]
    home = expand_home("~", env)
    by_platform = _switched_on(env, "JUPYTER_PLATFORM_DIRS")
    if not by_platform:
        home = os.path.realpath(home)
    if sys.platform == "darwin":
        names = ("Library", "Application Support", "Jupyter")
        return os.path.join(home, *(names if by_platform else ("Library", "Jupyter")))
    shared = env.get("XDG_DATA_HOME", "")
    if not shared or (by_platform and not os.path.isabs(shared)):
        shared = os.path.join(home, ".local", "share")
    return os.path.join(shared, "jupyter")


def _system_paths(env: Mapping[str, str]) -> List[str]:
    if not _switched_on(env, "JUPYTER_PLATFORM_DIRS"):
        return list(SYSTEM_PATHS)
    if sys.platform == "darwin":
        return ["/Library/Application Support/Jupyter"]
    shared = [p for p in env.get("XDG_DATA_DIRS", "").split(os.pathsep) if os.path.isabs(p)]
    return [os.path.join(path, "jupyter") for path in shared] or list(SYSTEM_PATHS)


def _prefers_environment(env: Mapping[str, str], interpreter: Interpreter) -> bool:
    if "JUPYTER_PREFER_ENV_PATH" in env:
        return _switched_on(env, "JUPYTER_PREFER_ENV_PATH")
    prefix = interpreter.prefix
    if prefix != interpreter.base_prefix and _is_ours(prefix):
        return True
    if _is_conda_environment(prefix) and _is_ours(prefix):
        # Who names its interpreter means it as it is when activated.
        return True
    return (
        "CONDA_PREFIX" in env
        and prefix.startswith(env["CONDA_PREFIX"])
        and env.get("CONDA_DEFAULT_ENV", "base") != "base"
        and _is_ours(prefix)
    )


def _is_conda_environment(prefix: str) -> bool:
    """Say whether it is one of conda's, and not the installation itself."""
    in_envs = os.path.basename(os.path.dirname(prefix)) == "envs"
    return in_envs and os.path.isdir(os.path.join(prefix, "conda-meta"))


def _switched_on(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "no").lower() not in ("no", "n", "false", "off", "0", "0.0")


def _is_ours(path: str) -> bool:
    try:
        return sys.platform != "win32" and os.stat(path).st_uid == os.geteuid()
    except OSError:
        return False
