"""Find Python interpreters on this host and learn what each is, by running it once.

The remote package itself runs with ``-I -S`` and so knows neither its own virtual environment nor
its user site: only a normal start of an interpreter tells. The interpreters asked about are those
of kernels: any Python 3, and Python 2.7.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any, Iterator, List, Mapping, NamedTuple, Optional, Tuple

PROBE_TIMEOUT = 15.0
"""Seconds that an interpreter may take to say what it is: network file systems are slow."""

START_PATIENCE = 0.5
"""Seconds that one may take to start, when all are to end: its disk may hang."""

FALLBACKS = ("/usr/bin/python3", "/usr/libexec/platform-python")
"""Where to look for ``auto`` when PATH has no ``python3``; the second is that of RHEL 8."""

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"

_MARK = "sshpyk-interpreter:"

_probes: List["subprocess.Popen[bytes]"] = []
"""Those that run now."""

_starting = threading.RLock()
"""Held while one is started, so that there is none that :data:`_probes` does not know."""

_KEPT = ("PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE")

# Started without -I, which Python 2.7 lacks and which ignores PYTHONHOME: a clean environment, -s
# and no current directory on the path isolate as well. A virtual environment without the system's
# packages is told by site.PREFIXES, which then holds only its own prefix. The mark is in two parts:
# a program that only repeats its arguments must not be taken for an interpreter.
_PROBE = """
import sys
sys.path[:] = [p for p in sys.path if p]
import json, os, site
def text(p):
    return p.decode("utf-8", "replace") if isinstance(p, bytes) else p
prefix = sys.prefix
base = getattr(sys, "base_prefix", getattr(sys, "real_prefix", prefix))
user_base = site.getuserbase() if hasattr(site, "getuserbase") else None
user_site = site.getusersitepackages() if hasattr(site, "getusersitepackages") else None
enabled = not os.environ.get("PYTHONNOUSERSITE") and user_base is not None
enabled = enabled and (prefix == base or len(getattr(site, "PREFIXES", ())) > 1)
enabled = enabled and os.getuid() == os.geteuid() and os.getgid() == os.getegid()
sys.stdout.write("\\n" + "sshpyk-" + "interpreter:" + json.dumps({
    "prefix": text(prefix), "base_prefix": text(base), "version": list(sys.version_info[:3]),
    "user_base": user_base and text(user_base), "user_site_enabled": bool(enabled),
    "path": [text(p) for p in sys.path] + ([text(user_site)] if enabled else []),
}) + "\\n")
"""


class DiscoveryError(Exception):
    """An interpreter cannot be used.

    Attributes:
        kind: ``missing``, ``not-executable``, ``not-python`` or ``too-slow``.
    """

    def __init__(self, kind: str, message: str) -> None:
        """Keep the kind for programs; the message is for people."""
        super().__init__(message)
        self.kind = kind


class Interpreter(NamedTuple):
    """What one interpreter is when it starts in a given environment.

    Attributes:
        executable: the absolute path that it was found by; a wrapper stays a wrapper.
        prefix: ``sys.prefix``, the environment that it belongs to.
        base_prefix: ``sys.base_prefix``, the installation that made that environment.
        version: major, minor, micro.
        user_base: where the user's own packages go; None when it knows no such place.
        user_site_enabled: whether those packages are importable in that environment.
        path: where its modules lie, PYTHONPATH and the user site included.
    """

    executable: str
    prefix: str
    base_prefix: str
    version: Tuple[int, int, int]
    user_base: Optional[str]
    user_site_enabled: bool
    path: Tuple[str, ...]


def expand_home(path: str, env: Mapping[str, str]) -> str:
    """Replace a leading ``~/`` by the home directory of ``env``."""
    if path != "~" and not path.startswith("~/"):
        return path
    home = env.get("HOME") or os.path.expanduser("~")
    return home if path == "~" else os.path.join(home, path[2:])


def is_program(path: str) -> bool:
    """Tell whether ``path`` is a file that this user may run."""
    return os.path.isfile(path) and os.access(path, os.X_OK)


def find_program(name: str, env: Mapping[str, str]) -> Optional[str]:
    """Find a program by its name in the absolute directories of the PATH in ``env``."""
    for folder in (env.get("PATH") or DEFAULT_PATH).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isabs(folder) and is_program(path):
            return path
    return None


def candidates(choice: str, env: Mapping[str, str]) -> List[str]:
    """Give the absolute paths that a choice of interpreter can mean, best first.

    Args:
        choice: an absolute path, one from ``~/``, the name of a program, or ``auto``.
        env: the environment whose HOME and PATH count.

    Raises:
        DiscoveryError: there is no such program.
    """
    if choice != "auto":
        if "/" in choice:
            return [expand_home(choice, env)]
        found = find_program(choice, env)
        if found is None:
            raise DiscoveryError(
                "missing", "%s is not on the PATH: %s" % (choice, env.get("PATH") or DEFAULT_PATH)
            )
        return [found]
    paths = [find_program("python3", env)] + [path for path in FALLBACKS if is_program(path)]
    unique = list(dict.fromkeys(path for path in paths if path))
    if not unique:
        tried = " and ".join(FALLBACKS)
        raise DiscoveryError(
            "missing",
            "no python3 on the PATH (%s), nor %s" % (env.get("PATH") or DEFAULT_PATH, tried),
        )
    return unique


def interpreters(choice: str, env: Mapping[str, str]) -> Iterator[Interpreter]:
    """Give the interpreters that a choice means, best first, each described when it is asked for.

    Args:
        choice: see :func:`candidates`.
        env: the environment that the interpreter starts in.

    Raises:
        DiscoveryError: after the last one, when none could be used; of the first that failed.
    """
    first_error: Optional[DiscoveryError] = None
    usable = False
    for path in candidates(choice, env):
        try:
            interpreter = describe_interpreter(path, env)
        except DiscoveryError as error:
            first_error = first_error or error
            continue
        usable = True
        yield interpreter
    if first_error is not None and not usable:
        raise first_error


def describe_interpreter(
    python: str, env: Mapping[str, str], timeout: float = PROBE_TIMEOUT
) -> Interpreter:
    """Run an interpreter once, in a process group of its own, and learn what it is.

    Args:
        python: its path, absolute or from ``~/``.
        env: the environment of its kernels; of the PYTHON variables only PYTHONHOME,
            PYTHONUSERBASE, PYTHONNOUSERSITE and PYTHONPATH count.
        timeout: seconds until it is given up and killed.

    Raises:
        DiscoveryError: it is missing, may not be run, is no Python, or takes too long.
    """
    path = expand_home(python, env)
    if not os.path.isfile(path):
        raise DiscoveryError("missing", "%s: there is no such file" % path)
    if not os.access(path, os.X_OK):
        raise DiscoveryError("not-executable", "%s may not be executed" % path)
    output, complaint, status = _run(path, env, timeout)
    for line in reversed(output.splitlines()):
        if line.startswith(_MARK):
            return _interpreter(path, env, json.loads(line[len(_MARK) :]))
    ending = complaint.strip()[-400:]
    raise DiscoveryError(
        "not-python",
        "%s does not run as Python (exit status %d)%s" % (path, status, ending and ": " + ending),
    )


def _run(path: str, env: Mapping[str, str], timeout: float) -> Tuple[str, str, int]:
    clean = {
        name: value
        for name, value in env.items()
        if name in _KEPT or not name.startswith(("PYTHON", "__PYVENV"))
    }
    try:
        process = _start(path, clean)
    except OSError as error:
        message = "%s cannot be executed: %s" % (path, error.strerror)
        raise DiscoveryError("not-executable", message) from error
    try:
        output, complaint = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as error:
        _kill_group(process.pid)
        # Not communicate(): a daemon that it has started may hold its output open for ever.
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()
        message = "%s did not say what it is within %g s" % (path, timeout)
        raise DiscoveryError("too-slow", message) from error
    finally:
        _probes.remove(process)
    texts = [data.decode("utf-8", "replace") for data in (output, complaint)]
    return texts[0], texts[1], process.returncode


def _start(path: str, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    with _starting:
        process = subprocess.Popen(
            [path, "-s", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=env,
            start_new_session=True,
        )
        _probes.append(process)
    return process


def end_probes() -> None:
    """Kill the interpreters that are being asked, as this process ends; no other is asked."""
    _starting.acquire(timeout=START_PATIENCE)
    for process in list(_probes):
        if process.poll() is None:
            with suppress(OSError):  # it has ended in this moment
                _kill_group(process.pid)


def _kill_group(pid: int) -> None:
    if sys.platform != "win32":
        os.killpg(pid, signal.SIGKILL)


def _interpreter(path: str, env: Mapping[str, str], answer: Mapping[str, Any]) -> Interpreter:
    extra = [p for p in env.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(p)]
    return Interpreter(
        executable=path,
        prefix=answer["prefix"],
        base_prefix=answer["base_prefix"],
        version=(answer["version"][0], answer["version"][1], answer["version"][2]),
        user_base=answer["user_base"],
        user_site_enabled=answer["user_site_enabled"],
        path=tuple(extra + answer["path"]),
    )
