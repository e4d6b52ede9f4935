"""Where on this host Python interpreters may lie: environments of every usual tool, the system's.

Only looked for by name and mark, nothing is run here. An environment that is found twice is given
once, as what it was found to be first.
"""

import os
import re
import time
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .discovery import FALLBACKS, expand_home, find_program, is_program

MOST_ENTRIES = 500
"""Entries of one folder that are looked at."""

MOST_PLACES = 200
"""Interpreters in all."""

PATIENCE = 8.0
"""Seconds after which no more folders are looked into."""

IN_PROJECTS = (".venv", "venv", "env")
"""Folders of a project that may be its environment."""

CONDA_ROOTS = (
    *("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", "miniconda"),
    *("anaconda", "conda", "mamba", ".local/share/mamba", ".mamba", ".micromamba"),
)
"""Where conda and the like are usually installed, in the home directory or /opt."""

SYSTEM = ("/usr/bin/python3", "/usr/local/bin/python3")

_POETRY = re.compile(r"(.+)-[A-Za-z0-9_-]{8}-py\d+\.\d+")
_PIPENV = re.compile(r"(.+)-[A-Za-z0-9_-]{8}")
_UV = re.compile(r"^uv\s*=", re.M)


class Place(NamedTuple):
    """One interpreter that may be there.

    Attributes:
        python: its path, or for one that was asked for, what was asked.
        kind: of its environment.
        environment: short name of that for people, "" for the system.
        root: the environment's directory, "" where that is not known.
    """

    python: str
    kind: str
    environment: str
    root: str


class Places:
    """What was found.

    Attributes:
        found: the interpreters, those of environments first.
        problems: by path, why something could not be looked at.
        cut_short: whether there is more than was looked at.
    """

    def __init__(self, env: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        """Look nowhere yet; ``env`` is the environment of the login."""
        self.found: List[Place] = []
        self.problems: Dict[str, str] = {}
        self.cut_short = False
        self._env = env
        self._home = expand_home("~", env)
        self._known: Dict[str, None] = {}
        self._clock = clock
        self._deadline = clock() + PATIENCE

    def look(self, pythons: Sequence[str]) -> None:
        """Look everywhere; ``pythons`` are asked for besides: paths or names of programs."""
        self._pixi(os.path.join(self._home, ".pixi/envs"), "")
        self._conda()
        self._pyenv()
        self._uv_pythons()
        self._tools()
        self._in_projects()
        for python in pythons:
            self._asked_for(python)
        for path in (find_program("python3", self._env), *SYSTEM, *FALLBACKS):
            if path and is_program(path) and not self._inside(path, "venv"):
                self._add(Place(path, "system", "", ""), path)

    # --- what is there -----------------------------------------------------------------------

    def _add(self, place: Place, mark: str) -> None:
        mark = os.path.realpath(mark)
        if mark in self._known:
            return
        if len(self.found) >= MOST_PLACES:
            self.cut_short = True
            return
        self._known[mark] = None
        self.found.append(place)

    def _environment(self, root: str, kind: str, name: str) -> bool:
        """Add what is an environment by its marks; say whether it is one."""
        conda = os.path.isdir(os.path.join(root, "conda-meta"))
        config = os.path.join(root, "pyvenv.cfg")
        if not conda and not os.path.isfile(config):
            return False
        python = _python_in(root)
        if conda:
            if python is None:
                return True  # of R, say: it needs no Python
            kind = kind if kind == "pixi" else "conda"
        elif _UV.search(_text(config)):
            kind = "uv"
        self._add(Place(python or os.path.join(root, "bin", "python"), kind, name, root), root)
        return True

    def _folders(self, folder: str, *, expected: bool = False) -> Iterator[Tuple[str, str]]:
        """Give names and paths of what lies in a folder; a deadline holds for all of them."""
        if not os.path.isabs(folder):
            return
        try:
            names = sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            if expected:
                self.problems[folder] = "cannot be listed: %s" % error.strerror
            return
        if len(names) > MOST_ENTRIES:
            self.cut_short = True
        for name in names[:MOST_ENTRIES]:
            if self._clock() > self._deadline:
                self.cut_short = True
                return
            yield name, os.path.join(folder, name)

    def _all_in(self, folder: str, kind: str, name_of: Callable[[str], str] = str) -> None:
        for name, path in self._folders(folder, expected=True):
            self._environment(path, kind, name_of(name))

    def _path(self, variable: str, otherwise: str = "") -> str:
        """Give what a variable names, or what is usual, in the home directory."""
        return expand_home(self._env.get(variable) or os.path.join("~", otherwise), self._env)

    # --- tools -------------------------------------------------------------------------------

    def _conda(self) -> None:
        roots = [self._env.get("MAMBA_ROOT_PREFIX", ""), self._env.get("CONDA_PREFIX", "")]
        for variable in ("CONDA_EXE", "MAMBA_EXE"):
            roots.append(os.path.dirname(os.path.dirname(self._env.get(variable, ""))))
        for base in (self._home, "/opt"):
            roots += [os.path.join(base, name) for name in CONDA_ROOTS]
        named = _text(os.path.join(self._home, ".conda/environments.txt")).splitlines()
        roots += [line.strip() for line in named[:MOST_ENTRIES]]
        roots = [root for root in roots if os.path.isabs(root)]
        for root in list(roots):
            folder, name = os.path.split(root.rstrip(os.sep))
            if os.path.basename(folder) == "envs":
                # One of several, whose installation may be known by it only.
                self._environment(root, "conda", name)
                roots.append(os.path.dirname(folder))
        for root in dict.fromkeys(roots):
            if os.path.isdir(os.path.join(root, "envs")) or _has_conda(root):
                self._environment(root, "conda", "base")
            self._all_in(os.path.join(root, "envs"), "conda")
            self._environment(root, "conda", os.path.basename(root))
        further = self._env.get("CONDA_ENVS_PATH", "").split(os.pathsep)
        for folder in [self._home + "/.conda/envs", *further]:
            self._all_in(folder, "conda")

    def _pyenv(self) -> None:
        versions = os.path.join(self._path("PYENV_ROOT", ".pyenv"), "versions")
        linked = []
        for name, path in self._folders(versions, expected=True):
            if os.path.islink(path):
                linked.append((name, path))
            elif os.path.isdir(os.path.join(path, "conda-meta")):
                self._environment(path, "conda", name)
            elif _python_in(path):
                self._add(Place(os.path.join(path, "bin/python"), "pyenv", name, path), path)
        # Virtual environments: what the link is called is what the user calls it.
        for name, path in linked:
            self._environment(path, "pyenv", name)
        for _name, path in self._folders(versions):
            self._all_in(os.path.join(path, "envs"), "pyenv")

    def _uv_pythons(self) -> None:
        shared = self._env.get("XDG_DATA_HOME") or os.path.join(self._home, ".local/share")
        folder = self._env.get("UV_PYTHON_INSTALL_DIR") or os.path.join(shared, "uv/python")
        for name, path in self._folders(expand_home(folder, self._env), expected=True):
            python = _python_in(path)
            if python is not None and not os.path.islink(path):  # a link is a shorter name
                self._add(Place(python, "uv", name, path), path)

    def _tools(self) -> None:
        active = self._env.get("VIRTUAL_ENV", "")
        if os.path.isabs(active):
            self._environment(active, "venv", _name_of(active))
        cache = self._env.get("POETRY_CACHE_DIR") or os.path.join(
            self._env.get("XDG_CACHE_HOME") or os.path.join(self._home, ".cache"), "pypoetry"
        )
        poetry = [self._env.get("POETRY_VIRTUALENVS_PATH", ""), os.path.join(cache, "virtualenvs")]
        for folder in poetry:
            self._all_in(folder, "poetry", lambda name: _short(_POETRY, name))
        if self._env.get("WORKON_HOME"):
            self._all_in(self._path("WORKON_HOME"), "virtualenvwrapper")
        self._all_in(self._home + "/.virtualenvs", "virtualenvwrapper")
        pipenv = self._home + "/.local/share/virtualenvs"
        self._all_in(pipenv, "pipenv", lambda name: _short(_PIPENV, name))
        for name in (".venvs", "venvs", "envs"):
            self._all_in(os.path.join(self._home, name), "venv")

    # --- projects ----------------------------------------------------------------------------

    def _in_projects(self) -> None:
        folders = list(self._folders(self._home, expected=True))
        # Links last: what they lead to may be there by its own name.
        for name, path in sorted(folders, key=lambda each: os.path.islink(each[1])):
            if name.startswith(".") or not os.path.isdir(path):
                continue
            if self._project(name, path):
                continue
            for inner, folder in self._folders(path):
                if not inner.startswith("."):
                    self._project(inner, folder)

    def _project(self, name: str, path: str) -> bool:
        """Add the environments of a project; say whether it is one itself, or not to be used."""
        if self._of_others(path) or self._environment(path, "venv", name):
            return True
        for inner in (os.path.join(path, each) for each in IN_PROJECTS):
            if not self._of_others(inner):
                self._environment(inner, "venv", name)
        self._pixi(os.path.join(path, ".pixi/envs"), name)
        return False

    def _of_others(self, path: str) -> bool:
        """Say whether it is another user's, whose programs are not run unasked."""
        if not os.path.isdir(path) or os.stat(path).st_uid in (0, os.geteuid()):
            return False
        self.problems[path] = "is another user's: name an interpreter in it to have it looked at"
        return True

    def _pixi(self, folder: str, project: str) -> None:
        for name, path in self._folders(folder):
            shown = project if project and name == "default" else name
            if project and name != "default":
                shown = "%s/%s" % (project, name)
            self._environment(path, "pixi", shown)

    def _asked_for(self, python: str) -> None:
        path = expand_home(python, self._env)
        if "/" not in path:
            path = find_program(path, self._env) or python
        if not self._inside(path, "named"):
            self._add(Place(path, "named", "", ""), path)

    def _inside(self, python: str, kind: str) -> bool:
        """Add the environment that an interpreter lies in; say whether there is one."""
        folder, _ = os.path.split(python)
        root = os.path.dirname(folder)
        if not os.path.isabs(python) or os.path.basename(folder) != "bin":
            return False
        return self._environment(root, kind, _name_of(root))


def _python_in(root: str) -> Optional[str]:
    for name in ("python", "python3"):
        path = os.path.join(root, "bin", name)
        if is_program(path):
            return path
    return None


def _has_conda(root: str) -> bool:
    return any(is_program(os.path.join(root, name)) for name in ("condabin/conda", "bin/conda"))


def _text(path: str) -> str:
    """Give the beginning of a file; empty where there is none, or something that only looks so."""
    if not os.path.isfile(path):
        return ""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(65536)
    except OSError:
        return ""


def _short(form: "re.Pattern[str]", name: str) -> str:
    match = form.fullmatch(name)
    return match.group(1) if match else name


def _name_of(root: str) -> str:
    """Give the folder's name, or its project's where that says more."""
    folder, name = os.path.split(root.rstrip(os.sep))
    return os.path.basename(folder) if name in IN_PROJECTS else name
