"""An errand: what this host has that a kernel can run on.

The answer:

============ ===================================================================================
key          value
============ ===================================================================================
system       system, release, machine, host, user, home, shell; login_python where there is one
interpreters for each: executable, kind and environment (see :mod:`.environments`), prefix,
             version, ipykernel, writable, install (see :mod:`.installing`), and problem: why it
             cannot be used, or null
kernels      see :mod:`.catalogue`; ``python`` and ``name`` are what a launch request names it by
problems     path and cause of what else was found and is of no use
cut_short    whether there is more than was looked at
============ ===================================================================================
"""

import json
import os
import pwd
import threading
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from . import catalogue, discovery, installing, launch
from .discovery import PROBE_TIMEOUT, DiscoveryError, Interpreter
from .environments import Place, Places

AT_ONCE = 8
"""Interpreters that are asked at the same time."""

PATIENCE = 25.0
"""Seconds after which no more is asked."""

MOST_PYTHONS = 50
"""Interpreters that may be named."""

MOST_BYTES = 3 * 1024 * 1024
"""Bytes of all that is told of kernels: more does not fit into an answer."""

MOST_PROBLEMS = 200

MOST_WORDS = 500
"""Characters of one cause."""


class Asked(NamedTuple):
    """What became of one place: exactly one of the two is there."""

    interpreter: Optional[Interpreter]
    problem: str


def run(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Look at this host; ``pythons`` are further interpreters: paths or names of programs."""
    pythons = list(request.get("pythons") or [])
    if len(pythons) > MOST_PYTHONS or not all(map(_is_text, pythons)):
        raise ValueError("pythons must be at most %d paths or names" % MOST_PYTHONS)
    deadline = time.monotonic() + PATIENCE
    env = {name: text for name, text in os.environ.items() if name not in launch.VARIABLES}
    places = Places(env)
    places.look(pythons)
    usual = catalogue.usual_interpreters(env)
    extra = [Place(path, "system", "", "") for path in usual]
    found = [place for place in places.found if _can_be_told(place.python, places.problems)]
    asked = ask([*found, *extra], env, deadline)
    for_auto = [each.interpreter for each in asked[len(found) :] if each.interpreter]
    rows, homes = _told(found, asked[: len(found)], env)
    kernels = catalogue.Catalogue(env)
    kernels.fill(for_auto, homes)
    cut_short = places.cut_short or time.monotonic() > deadline
    shown = _fitting(kernels.kernels)
    return {
        "system": _system(env, for_auto),
        "interpreters": rows,
        "kernels": shown,
        "problems": _problems({**places.problems, **kernels.problems}),
        "cut_short": cut_short or len(shown) < len(kernels.kernels),
    }


def ask(places: List[Place], env: Mapping[str, str], deadline: float) -> List[Asked]:
    """Ask interpreters what they are, several at the same time.

    Args:
        places: where they are.
        env: the environment of the login.
        deadline: on the monotonic clock; those that have not answered then count as too slow.
    """
    todo = list(enumerate(places))[::-1]
    known: Dict[str, Asked] = {}
    lock = threading.Lock()
    answers: Dict[int, Asked] = {}

    def work() -> None:
        while True:
            with lock:
                if not todo:
                    return
                number, place = todo.pop()
                before = known.get(place.python)
            answer = before or _ask(place.python, env, deadline)
            with lock:
                known[place.python] = answers[number] = answer

    threads = [threading.Thread(target=work, daemon=True) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[number] for number in range(len(places))]


def _ask(python: str, env: Mapping[str, str], deadline: float) -> Asked:
    left = deadline - time.monotonic()
    if left <= 0:
        return Asked(None, "there was no time left to ask it")
    try:
        found = discovery.describe_interpreter(python, env, min(left, PROBE_TIMEOUT))
    except DiscoveryError as error:
        return Asked(None, str(error))
    except Exception as error:  # of this one only: the others are told of
        return Asked(None, "%s: %s" % (type(error).__name__, error))
    if not (found.prefix.isprintable() and found.executable.isprintable()):
        return Asked(None, "the path of its environment cannot be shown, so it cannot be used")
    return Asked(found, "")


def _told(
    places: List[Place], asked: List[Asked], env: Mapping[str, str]
) -> Tuple[List[Dict[str, Any]], List[catalogue.Home]]:
    """Give what is told of the interpreters, each once, and those that have kernels."""
    rows = []
    homes = []
    known = set()
    for place, (interpreter, problem) in zip(places, asked):  # noqa: B905 (3.6 has no strict)
        row: Dict[str, Any] = {
            "executable": place.python,
            "kind": place.kind,
            "environment": place.environment,
            "prefix": place.root,
            "version": "",
            "ipykernel": None,
            "writable": False,
            "install": None,
            "problem": problem[:MOST_WORDS] or None,
        }
        if interpreter is not None:
            key = _identity(place, interpreter)
            if key in known:
                continue
            known.add(key)
            installed = installing.look(place, interpreter, env)
            row["prefix"] = interpreter.prefix
            row["version"] = "%d.%d.%d" % interpreter.version
            row["ipykernel"] = installed.version
            row["writable"] = installed.writable
            row["install"] = installed.command
            homes.append(catalogue.Home(interpreter, place.environment))
        rows.append(row)
    return rows, homes


def _identity(place: Place, interpreter: Interpreter) -> Tuple[str, Tuple[int, int, int]]:
    """Give what is the same for two ways to one interpreter; a wrapper that was named counts."""
    where = interpreter.prefix
    if place.kind == "named" and not place.root:
        path = interpreter.executable
        inside = os.path.realpath(path).startswith(os.path.realpath(where) + os.sep)
        where = where if inside else path
    return os.path.realpath(where), interpreter.version


def _system(env: Mapping[str, str], usual: List[Interpreter]) -> Dict[str, str]:
    about = os.uname()
    try:
        entry = pwd.getpwuid(os.getuid())
        user, shell = entry.pw_name, entry.pw_shell
    except KeyError:
        user, shell = str(os.getuid()), ""
    system = {
        "system": about.sysname,
        "release": about.release,
        "machine": about.machine,
        "host": about.nodename,
        "user": user,
        "home": discovery.expand_home("~", env),
        "shell": env.get("SHELL") or shell,
    }
    if usual:
        system["login_python"] = usual[0].executable
    return system


def _fitting(kernels: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Give the first of them that fit into an answer."""
    left = MOST_BYTES
    shown = []
    for kernel in kernels:
        left -= len(json.dumps(kernel))
        if left >= 0:
            shown.append(kernel)
    return shown


def _problems(problems: Mapping[str, str]) -> List[Dict[str, str]]:
    told = sorted(problems.items())[:MOST_PROBLEMS]
    return [{"path": _plain(path), "cause": _plain(words)[:MOST_WORDS]} for path, words in told]


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value


def _can_be_told(path: str, problems: Dict[str, str]) -> bool:
    """Say whether it can be shown as it is; else that is a problem."""
    if not path.isprintable():
        problems[path] = "this path cannot be shown, so it cannot be used"
    return path.isprintable()
