"""An errand: what a launch would find for each of some kernels; nothing is started.

The request's ``kernels`` are objects with ``name``, ``python``, ``pythonhome`` and ``env``, as a
launch request has them (see :mod:`.launch`). The answer:

======= ========================================================================================
key     value
======= ========================================================================================
system  system, release, machine and host, as uname(2) tells them
kernels one for each, in order: name, python, display_name, language, interrupt_mode,
        resource_dir and argv; or ``error``: kind, message, python where one could be used, and
        available, the names that there are
======= ========================================================================================
"""

import os
import threading
from typing import Any, Dict, List, Mapping, Optional, Tuple

from . import discovery, kernelspecs, launch
from .discovery import DiscoveryError
from .kernelspecs import KernelSpecError

AT_ONCE = 8
"""Interpreters that are asked at the same time."""

MOST_KERNELS = 200

MOST_TEXT = 4000
"""Characters of one text."""

MOST_WORDS = 100
"""Words of one command, and names of one list."""


def run(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Look for each of ``kernels``; those of one interpreter one after the other."""
    wanted = list(request.get("kernels") or [])
    if len(wanted) > MOST_KERNELS or not all(isinstance(each, dict) for each in wanted):
        raise ValueError("kernels must be at most %d objects" % MOST_KERNELS)
    groups: Dict[Tuple[str, str], List[int]] = {}
    for number, each in enumerate(wanted):
        key = (str(each["python"]), str(each.get("pythonhome") or ""))
        groups.setdefault(key, []).append(number)
    answers: Dict[int, Dict[str, Any]] = {}
    todo = list(groups.values())
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not todo:
                    return
                numbers = todo.pop(0)
            for number in numbers:
                try:
                    answers[number] = _look(wanted[number])
                except Exception as error:  # of this one only: the others are told of
                    words = "%s: %s" % (type(error).__name__, error)
                    answers[number] = _failed("host", words)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    about = os.uname()
    system = {
        "system": about.sysname,
        "release": about.release,
        "machine": about.machine,
        "host": about.nodename,
    }
    return {"system": system, "kernels": [answers[number] for number in range(len(wanted))]}


def _look(wanted: Mapping[str, Any]) -> Dict[str, Any]:
    env = {name: text for name, text in os.environ.items() if name not in launch.VARIABLES}
    probe_env = dict(env)
    if wanted.get("pythonhome"):
        probe_env["PYTHONHOME"] = str(wanted["pythonhome"])
    python = str(wanted["python"])
    try:
        spec, interpreter = kernelspecs.locate(str(wanted.get("name")), python, probe_env)
    except DiscoveryError as error:
        return _failed("python", str(error))
    except KernelSpecError as error:
        usable = _usable(python, probe_env)
        return _failed(error.kind, str(error), usable, list(error.available))
    extra = {str(name): str(text) for name, text in dict(wanted.get("env") or {}).items()}
    try:
        plan = kernelspecs.plan(spec, interpreter, env, "{connection_file}", extra)
    except KernelSpecError as error:
        return _failed(error.kind, str(error), interpreter.executable)
    return {
        "name": spec.name,
        "python": interpreter.executable,
        "display_name": spec.display_name[:MOST_TEXT],
        "language": spec.language[:MOST_TEXT],
        "interrupt_mode": spec.interrupt_mode,
        "resource_dir": spec.resource_dir,
        "argv": [word[:MOST_TEXT] for word in plan.argv[:MOST_WORDS]],
    }


def _usable(python: str, env: Mapping[str, str]) -> str:
    """Give the first interpreter that the choice means and that can be used."""
    try:
        return next(discovery.interpreters(python, env)).executable
    except (DiscoveryError, StopIteration):
        return ""


def _failed(
    kind: str, message: str, python: str = "", available: Optional[List[str]] = None
) -> Dict[str, Any]:
    error = {
        "kind": kind,
        "message": message[:MOST_TEXT],
        "python": python,
        "available": (available or [])[:MOST_WORDS],
    }
    return {"error": error}
