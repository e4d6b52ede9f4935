"""All kernels of this host, each with the interpreter by which a launch finds exactly that one."""

import ast
import json
import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from . import discovery, kernelspecs
from .discovery import Interpreter
from .jupyter_paths import SYSTEM_PATHS
from .kernelspecs import KernelSpec, KernelSpecError
from .resources import LOGOS, is_logo

MOST_JSON = 16 * 1024
"""Bytes that the metadata and the command of one kernel may take as JSON."""

MOST_KERNELS = 500

MOST_SOURCE = 64 * 1024
"""Characters of ipykernel's source that are looked at."""

REMOTE_MARK = "kernel_provisioner"
"""In the metadata of a kernel spec that starts its kernel elsewhere."""

AUTO = "auto"

_METADATA = re.compile(r"""["']metadata["']\s*:\s*(\{[^{}]*\})""")


class Home(NamedTuple):
    """An interpreter that kernels are looked for by, and the name of its environment."""

    interpreter: Interpreter
    environment: str


class Catalogue:
    """What was found.

    Attributes:
        kernels: as the errand's answer tells them.
        problems: by path, what is wrong with others.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        """Hold nothing yet; ``env`` is the environment of the login."""
        self.kernels: List[Dict[str, Any]] = []
        self.problems: Dict[str, str] = {}
        self._env = env
        self._listed: Dict[Tuple[str, str], None] = {}

    def fill(self, usual: Sequence[Interpreter], homes: Sequence[Home]) -> None:
        """Look for all kernels.

        Args:
            usual: the interpreters that ``auto`` means, best first.
            homes: all others and these too.
        """
        taken: Dict[str, None] = {}
        for interpreter in usual:
            found = self._find(interpreter)
            for name in [*found.specs, *found.problems]:
                if name in taken:
                    continue
                taken[name] = None
                spec = found.specs.get(name)
                if spec is not None and not _is_own(spec, interpreter):
                    self._list(spec, Home(interpreter, ""), AUTO)
        for home in homes:
            for spec in self._find(home.interpreter).specs.values():
                self._list(spec, home, home.interpreter.executable)
            self._tell_hidden(home.interpreter)

    def _find(self, interpreter: Interpreter) -> kernelspecs.Found:
        found = kernelspecs.find_all(self._env, interpreter)
        for name, words in found.problems.items():
            path = found.places.get(name, name)
            self.problems.setdefault(path, words)
        return found

    def _list(self, spec: KernelSpec, home: Home, python: str) -> None:
        own = _is_own(spec, home.interpreter)
        where = home.interpreter.prefix if own else os.path.realpath(spec.resource_dir)
        key = (where, spec.name)
        if key in self._listed or len(self.kernels) >= MOST_KERNELS:
            return
        self._listed[key] = None
        if spec == kernelspecs.native(home.interpreter):
            spec = spec._replace(metadata=native_metadata(spec))
        if not spec.resource_dir.isprintable():
            self.problems[spec.resource_dir] = "this path cannot be shown, so it cannot be used"
            return
        told = [spec.argv, spec.metadata, spec.display_name, spec.language]
        try:
            size = len(json.dumps(told, allow_nan=False))
        except (ValueError, RecursionError) as error:
            self.problems[spec.resource_dir] = "its kernel.json cannot be told: %s" % error
            return
        if size > MOST_JSON:
            self.problems[spec.resource_dir] = "its kernel.json is too large: %d bytes" % size
            return
        if REMOTE_MARK not in spec.metadata:
            try:
                kernelspecs.plan(spec, home.interpreter, self._env, "", {})
            except KernelSpecError as error:
                self.problems[spec.resource_dir] = str(error)
                return
        self.kernels.append(
            {
                "name": spec.name,
                "python": python,
                "environment": home.environment if own else "",
                "display_name": spec.display_name,
                "language": spec.language,
                "interrupt_mode": spec.interrupt_mode,
                "metadata": spec.metadata,
                "resource_dir": spec.resource_dir,
                "argv": spec.argv,
                "resources": [name for name in LOGOS if is_logo(spec.resource_dir, name)],
            }
        )

    def _tell_hidden(self, interpreter: Interpreter) -> None:
        """Tell of the environment's own ``python3`` where another of that name goes before it."""
        found = kernelspecs.find_all(self._env, interpreter)
        wins = found.specs.get(kernelspecs.NATIVE_NAME)
        native = kernelspecs.native(interpreter)
        if native is None or wins is None or _is_own(wins, interpreter):
            return
        self.problems[interpreter.prefix] = (
            "its own kernel %s is hidden by %s, which has the same name and goes before it"
            % (native.name, wins.resource_dir)
        )


def _is_own(spec: KernelSpec, interpreter: Interpreter) -> bool:
    """Say whether a kernel belongs to the environment, rather than to the user or the system."""
    data = os.path.join(interpreter.prefix, "share", "jupyter")
    if os.path.dirname(spec.resource_dir) == os.path.join(data, "kernels"):
        return data not in SYSTEM_PATHS
    native = kernelspecs.native(interpreter)
    return native is not None and spec.resource_dir == native.resource_dir


def native_metadata(spec: KernelSpec) -> Dict[str, Any]:
    """Give the metadata that ipykernel of that version would write for its kernel.

    Read from its source, as an interpreter is run once and imports nothing that is installed.
    """
    path = os.path.join(os.path.dirname(spec.resource_dir), "kernelspec.py")
    try:
        with open(path, encoding="utf-8") as file:
            match = _METADATA.search(file.read(MOST_SOURCE))
        metadata = ast.literal_eval(match.group(1)) if match else {}
    except (OSError, ValueError, SyntaxError):
        return {}
    return metadata if isinstance(metadata, dict) else {}


def usual_interpreters(env: Mapping[str, str]) -> List[str]:
    """Give the paths that ``auto`` means; none where there is no Python."""
    try:
        return discovery.candidates(AUTO, env)
    except discovery.DiscoveryError:
        return []
