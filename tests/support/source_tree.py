"""The source tree as the architecture tests see it: modules, and who imports whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sshpyk_core", "sshpyk_openssh", "sshpyk_asyncssh", "sshpyk_paramiko")


@dataclass(frozen=True)
class Module:
    """One source file.

    Attributes:
        name: its dotted name; a package has the package's name.
        path: where it lies.
    """

    name: str
    path: Path

    @cached_property
    def source(self) -> str:
        """Its text."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.source, str(self.path))

    @property
    def package(self) -> str:
        """The package that its relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def is_in(self, *parents: str) -> bool:
        """Whether it is one of these modules or lies below one of them."""
        return any(is_below(self.name, parent) for parent in parents)

    def imports(self) -> Iterator[str]:
        """Name all that it imports, also inside functions: modules, and perhaps names in them."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parents = self.package.split(".")
                    parents = parents[: len(parents) - node.level + 1]
                    base = ".".join([*parents, base] if base else parents)
                yield from (f"{base}.{alias.name}" for alias in node.names)

    def calls(self) -> Iterator[str]:
        """Name all functions and methods that it calls."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node.func.attr
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id


def is_below(name: str, parent: str) -> bool:
    """Whether a dotted name is another one or lies below it."""
    return name == parent or name.startswith(f"{parent}.")


def modules() -> dict[str, Module]:
    """Find every source file of the four distributions, by dotted name."""
    found = {}
    for package in PACKAGES:
        source = ROOT / package / "src"
        for path in sorted(source.rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name, path)
    return found


def import_graph(tree: dict[str, Module]) -> dict[str, set[str]]:
    """Say for each of our modules which of our modules it imports."""
    graph: dict[str, set[str]] = {}
    for module in tree.values():
        reached = set()
        for name in module.imports():
            # `from package import module` reaches the module, `from module import name` that module
            owner = name if name in tree else name.rpartition(".")[0]
            if owner in tree and owner != module.name:
                reached.add(owner)
        graph[module.name] = reached
    return graph


def closure(graph: dict[str, set[str]], start: str) -> set[str]:
    """Give all that a module imports, directly or through others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph[waiting.pop()] - seen:
            seen.add(name)
            waiting.append(name)
    return seen
