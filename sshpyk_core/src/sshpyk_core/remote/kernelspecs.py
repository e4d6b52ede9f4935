"""Find kernel specs on this host and work out what to run, as jupyter_client would do here.

Names, precedence and templates follow ``jupyter_client.kernelspec`` and
``KernelManager.format_kernel_cmd`` (jupyter_client 8).
"""

import os
import re
from string import Template
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from .discovery import Interpreter, find_program, interpreters, is_program
from .jupyter_paths import SYSTEM_PATHS, kernel_dirs, user_paths
from .specfile import KernelSpec, KernelSpecError, read

__all__ = [
    "Found",
    "KernelSpec",
    "KernelSpecError",
    "LaunchPlan",
    "find",
    "find_all",
    "locate",
    "native",
    "plan",
    "read",
]

NATIVE_NAME = "python3"
"""The kernel that exists without a spec directory wherever ipykernel is installed."""

NOT_INHERITED = ("JPY_PARENT_PID", "JPY_INTERRUPT_EVENT")
"""Variables that tell a kernel about a parent process, which on this host is another."""

_NAME = re.compile(r"[a-z0-9._-]+")
_FIELD = re.compile(r"\{([A-Za-z0-9_]+)\}")
_PYTHON = re.compile(r"python(\d+(\.\d+)?)?")


class Found(NamedTuple):
    """All kernel specs by name; why others could not be read, also by name, and where those lie."""

    specs: Dict[str, KernelSpec]
    problems: Dict[str, str]
    places: Dict[str, str]


class LaunchPlan(NamedTuple):
    """What to execute: an argument list whose first is an absolute path, and its environment."""

    argv: List[str]
    env: Dict[str, str]


def find_all(env: Mapping[str, str], interpreter: Interpreter) -> Found:
    """Find every kernel spec that Jupyter would offer here; the broken ones are set aside.

    Args:
        env: the environment of the login, after the user's own commands.
        interpreter: the one whose environment counts.
    """
    found = Found({}, {}, {})
    for folder in kernel_dirs(env, interpreter):
        for name, path in _spec_dirs(folder, found.problems):
            if name in found.specs or name in found.problems:
                continue
            if not _NAME.fullmatch(name):
                found.problems[name] = "%s: not a name that a kernel can have" % path
                found.places[name] = path
                continue
            try:
                found.specs[name] = read(name, path)
            except KernelSpecError as error:
                found.problems[name] = str(error)
                found.places[name] = path
    if NATIVE_NAME not in found.specs and NATIVE_NAME not in found.problems:
        own = native(interpreter)
        if own is not None:
            found.specs[NATIVE_NAME] = own
    return found


def _spec_dirs(folder: str, problems: Dict[str, str]) -> List[Tuple[str, str]]:
    try:
        entries = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        problems[folder] = "%s cannot be listed: %s" % (folder, error.strerror)
        return []
    paths = [(entry.lower(), os.path.join(folder, entry)) for entry in entries]
    return [
        (name, path) for name, path in paths if os.path.isfile(os.path.join(path, "kernel.json"))
    ]


def native(interpreter: Interpreter) -> Optional[KernelSpec]:
    """Give the kernel that an interpreter has by ipykernel alone, None without that."""
    if interpreter.version[0] != 3:
        return None
    for path in interpreter.path:
        package = os.path.join(path, "ipykernel")
        if os.path.isfile(os.path.join(package, "__init__.py")):
            return KernelSpec(
                name=NATIVE_NAME,
                resource_dir=os.path.join(package, "resources"),
                argv=["python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                env={},
                display_name="Python 3 (ipykernel)",
                language="python",
                interrupt_mode="signal",
                metadata={},
            )
    return None


def find(name: str, env: Mapping[str, str], interpreter: Interpreter) -> KernelSpec:
    """Find one kernel spec by its name, in whatever case.

    Args:
        name: the name that ``jupyter kernelspec list`` shows on this host.
        env: see :func:`find_all`.
        interpreter: see :func:`find_all`.

    Raises:
        KernelSpecError: ``name``, ``missing`` with what there is instead, or ``broken``.
    """
    key = name.lower()
    if not _NAME.fullmatch(key):
        message = "%r is no kernel name: letters, digits, '.', '_' and '-' make one" % name
        raise KernelSpecError("name", message)
    found = find_all(env, interpreter)
    if key in found.specs:
        return found.specs[key]
    if key in found.problems:
        raise KernelSpecError("broken", found.problems[key])
    raise _missing(name, sorted(found.specs), [interpreter])


def locate(name: str, choice: str, env: Mapping[str, str]) -> Tuple[KernelSpec, Interpreter]:
    """Find a kernel spec and the interpreter that has it.

    Args:
        name: see :func:`find`.
        choice: the interpreter as the user names it, or ``auto``: then the first one counts that
            has the kernel; see :func:`.discovery.interpreters`.
        env: see :func:`find_all`.

    Raises:
        DiscoveryError: no interpreter can be used.
        KernelSpecError: see :func:`find`.
    """
    available: Dict[str, None] = {}
    asked: List[Interpreter] = []
    for interpreter in interpreters(choice, env):
        try:
            return find(name, env, interpreter), interpreter
        except KernelSpecError as error:
            if error.kind != "missing":
                raise
            available.update(dict.fromkeys(error.available))
            asked.append(interpreter)
    raise _missing(name, sorted(available), asked)


def _missing(name: str, available: List[str], asked: List[Interpreter]) -> KernelSpecError:
    message = "there is no kernel %r for %s; there %s" % (
        name,
        " or ".join(interpreter.executable for interpreter in asked),
        "are: " + ", ".join(available) if available else "is none at all",
    )
    return KernelSpecError("missing", message, tuple(available))


def plan(
    spec: KernelSpec,
    interpreter: Interpreter,
    env: Mapping[str, str],
    connection_file: str,
    extra_env: Mapping[str, str],
) -> LaunchPlan:
    """Fill in a kernel spec's templates.

    Args:
        spec: the kernel.
        interpreter: the one that was chosen.
        env: the environment of the login, after the user's own commands.
        connection_file: its absolute path.
        extra_env: what the user adds on top of the spec's own, with ``${NAME}`` templates too.

    Raises:
        KernelSpecError: ``program``, when what the kernel runs on is not there.
    """
    environment = dict(env)
    for additions in (spec.env, extra_env):
        known = dict(environment)
        for name, text in additions.items():
            environment[name] = Template(text).safe_substitute(known)
    dropped = list(NOT_INHERITED)
    if spec.language.lower().startswith("python"):
        dropped.append("PYTHONEXECUTABLE")
    for name in dropped:
        environment.pop(name, None)
    prefix = _environment_of(spec, env, interpreter)
    fields = {
        "connection_file": connection_file,
        "resource_dir": spec.resource_dir,
        "prefix": prefix or interpreter.prefix,
    }
    argv = [_FIELD.sub(lambda match: fields.get(match[1], match[0]), word) for word in spec.argv]
    argv[0] = _program(spec, argv[0], interpreter, prefix, environment)
    return LaunchPlan(argv, environment)


def _environment_of(
    spec: KernelSpec, env: Mapping[str, str], interpreter: Interpreter
) -> Optional[str]:
    """Give the prefix whose ``share/jupyter/kernels`` holds the spec, if a Python lives there."""
    kernels = os.path.dirname(spec.resource_dir)
    data = os.path.dirname(kernels)
    prefix = os.path.dirname(os.path.dirname(data))
    if os.path.join(prefix, "share", "jupyter", "kernels") != kernels:
        return None
    if data in SYSTEM_PATHS or data in user_paths(env, interpreter):
        return None
    return prefix if is_program(os.path.join(prefix, "bin", "python")) else None


def _program(
    spec: KernelSpec,
    wanted: str,
    interpreter: Interpreter,
    prefix: Optional[str],
    env: Mapping[str, str],
) -> str:
    if _PYTHON.fullmatch(wanted):
        if prefix and prefix != interpreter.prefix:
            for name in (wanted, "python"):
                path = os.path.join(prefix, "bin", name)
                if is_program(path):
                    return path
        version = "%d.%d" % interpreter.version[:2]
        if wanted in ("python", "python%d" % interpreter.version[0], "python" + version):
            return interpreter.executable
    path = wanted if os.path.isabs(wanted) else find_program(wanted, env) or ""
    if is_program(path):
        return path
    where = "there" if os.path.isabs(wanted) else "on the PATH " + env.get("PATH", "")
    raise KernelSpecError(
        "program",
        "the kernel %r of %s runs %s, which is not %s"
        % (spec.name, spec.resource_dir, wanted, where),
    )
