"""Which kernel specs of this machine there are to import, and what each would become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sshpyk_core.cli.importing import remote_ikernel, ssh_ipykernel, sshpyk_1x
from sshpyk_core.cli.importing.translation import NotImportable, Translation
from sshpyk_core.cli.spec_changes import HIDDEN, Change, changes_between
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import ConfigError, LocalSpecError
from sshpyk_core.kernelspecs import LocalSpec, argv_problem, find, find_all, kernel_argv

__all__ = ["Plan", "plans"]

_OF_THE_TOOL = ("env", "remote_ikernel_argv")
"""What in another tool's kernel.json was about its own local program."""


@dataclass(frozen=True)
class Plan:
    """What is to be done with one kernel spec.

    Attributes:
        spec: as it is.
        origin: the tool that it is for.
        content: what its kernel.json would be; as it is where nothing is to be done.
        notes: sentences about what has no meaning for us.
        problem: why it cannot be imported; empty when it can.
    """

    spec: LocalSpec
    origin: str
    content: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def needed(self) -> bool:
        """Whether it would be rewritten."""
        return not self.problem and self.content != self.spec.content

    @property
    def changes(self) -> list[Change]:
        """What would be different."""
        changes = changes_between(self.spec.content, self.content)
        # Another tool's argv holds the values of variables.
        return [replace(each, old=HIDDEN) if each.key == "argv" else each for each in changes]


def plans(names: Sequence[str]) -> list[Plan]:
    """Plan for the kernel specs of these names, or for all that there are to import.

    Raises:
        LocalSpecError: a name is wrong, or is that of something else; all such names are told.
    """
    if not names:
        return [plan for spec in find_all() if (plan := _plan(spec)) is not None]
    found, problems = [], []
    for name in dict.fromkeys(name.lower() for name in names):
        try:
            found.append(_named(name))
        except LocalSpecError as error:
            problems.append(str(error))
    if problems:
        raise LocalSpecError("\n".join([*problems, "Nothing was written."]))
    return found


def _named(name: str) -> Plan:
    spec = find(name)
    plan = _plan(spec)
    if plan is None:
        raise LocalSpecError(
            f"The kernel spec {spec.name} ({spec.directory}) is not one of sshpyk, remote_ikernel "
            "or ssh_ipykernel: it is left alone."
        )
    return plan


def _plan(spec: LocalSpec) -> Plan | None:
    """Plan for one; None when it is of no tool that we know."""
    if spec.ours:
        return _modernised(spec)
    for tool in (remote_ikernel, ssh_ipykernel):
        try:
            translation = tool.translated(spec.content)
            if translation is None:
                continue
            KernelConfig.parse(translation.stanza, "the new one")
        except (NotImportable, ConfigError) as reason:
            return Plan(spec, tool.NAME, spec.content, problem=str(reason))
        return _adopted(spec, tool.NAME, translation)
    return None


def _modernised(spec: LocalSpec) -> Plan:
    try:
        translation = sshpyk_1x.translated(spec.content, spec.stanza)
    except ConfigError as error:
        return Plan(spec, sshpyk_1x.NAME, spec.content, problem=str(error))
    if translation is None:
        return Plan(spec, "sshpyk", _with_argv_that_works(spec))
    content = spec.with_stanza(translation.stanza)
    if sshpyk_1x.runs_kernel_app(content):
        content["argv"] = kernel_argv(spec.name)
    return Plan(spec, sshpyk_1x.NAME, content, translation.notes)


def _with_argv_that_works(spec: LocalSpec) -> Mapping[str, Any]:
    if not argv_problem(spec.name, spec.content):
        return spec.content
    return {**spec.content, "argv": kernel_argv(spec.name)}


def _adopted(spec: LocalSpec, origin: str, translation: Translation) -> Plan:
    notes = translation.notes
    if spec.content.get("env"):
        notes = (*notes, f"The env of its kernel.json is dropped: it was for {origin} here.")
    content = {
        key: value
        for key, value in spec.with_stanza(translation.stanza).items()
        if key not in _OF_THE_TOOL
    }
    content["argv"] = kernel_argv(spec.name)
    content.setdefault("language", "python")  # Jupyter needs one; both tools could leave it out
    return Plan(spec, origin, content, notes)
