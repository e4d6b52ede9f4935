"""Each kernel that can be added, as it would be, and what this machine has of it already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sshpyk_core.cli.add import naming
from sshpyk_core.cli.add.matching import at_home
from sshpyk_core.cli.add.request import Request, stanza_of
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import ConfigError, LocalSpecError
from sshpyk_core.kernelspecs import LocalSpec, kernel_argv
from sshpyk_core.survey import Problem, RemoteKernel, Survey

__all__ = ["Candidate", "Drafted", "State", "candidates", "unchecked"]

State = Literal["new", "already there", "other settings", "name taken"]


@dataclass(frozen=True)
class Candidate:
    """One kernel spec that may be written.

    Attributes:
        name: of the kernel spec.
        title: of the kernel, without its host.
        kind: what the kernel belongs to, in a word.
        environment: its name, "" for the user and the system.
        content: of the kernel.json.
        config: what its stanza says.
        logos: files beside it, by name.
        taken_by: the kernel spec here that has that name.
        state: what that means.
    """

    name: str
    title: str
    kind: str
    environment: str
    content: Mapping[str, Any]
    config: KernelConfig
    logos: Mapping[str, bytes]
    taken_by: LocalSpec | None
    state: State

    @property
    def display_name(self) -> str:
        """Its name for people."""
        return str(self.content["display_name"])

    @property
    def obstacle(self) -> str:
        """Why it cannot be written unless kernel specs may be replaced; empty when it can."""
        if self.taken_by is None or self.state in ("new", "already there"):
            return ""
        by = "is there already with other settings"
        if self.state == "name taken":
            by = "is the name of something else"
        fix = "choose another name with --kernel-name"
        if self.replaceable:
            fix += ", or say --replace"
        return f"{self.name} {by} ({self.taken_by.directory}): {fix}."

    @property
    def replaceable(self) -> bool:
        """Whether what has the name may be replaced, if that is wanted."""
        return self.taken_by is None or self.taken_by.ours


@dataclass(frozen=True)
class Drafted:
    """The candidates of a host, and the kernels there that cannot be any."""

    candidates: tuple[Candidate, ...]
    problems: tuple[Problem, ...]


def candidates(
    survey: Survey,
    kernels: Sequence[RemoteKernel],
    logos: Mapping[str, Mapping[str, bytes]],
    request: Request,
    here: Sequence[LocalSpec],
) -> Drafted:
    """Work out the kernel spec of each kernel.

    Args:
        survey: of the host.
        kernels: those of it that the flags leave.
        logos: by directory on the host and name.
        request: what was asked for.
        here: the kernel specs that count as there already.
    """
    drafted: list[Candidate] = []
    problems: list[Problem] = []
    usual_names = naming.names(request.alias, kernels)
    titles = naming.titles(survey, kernels)
    for kernel, name, title in zip(kernels, usual_names, titles, strict=True):
        try:
            config = request.config_for(kernel.python, kernel.name)
        except ConfigError as error:
            problems.append(Problem(kernel.resource_dir, " ".join(str(error).split())))
            continue
        same = [each for each in here if _leads_to(each, config, survey)]
        by_itself = same[0].name if same else name
        if request.complete:
            by_itself = naming.name_in_1x(request.alias, kernel.name)
        draft = _Draft(
            name=request.kernel_name or by_itself,
            title=title,
            kind=_kind(survey, kernel),
            kernel=kernel,
            logos=logos.get(kernel.resource_dir, {}),
        )
        drafted.append(_candidate(draft, request, config, here, same))
    return Drafted(tuple(drafted), tuple(problems))


def unchecked(request: Request, here: Sequence[LocalSpec]) -> Candidate:
    """Work out the kernel spec of which the flags say all that is needed."""
    config = request.config_for(str(request.python), str(request.remote_name))
    name = request.kernel_name or naming.name_in_1x(request.alias, str(request.remote_name))
    same = [each for each in here if _leads_to(each, config, None)]
    draft = _Draft(name, str(request.wanted.display_name))
    return _candidate(draft, request, config, here, same)


@dataclass(frozen=True)
class _Draft:
    """What is known of a candidate: all of it, or what the flags say."""

    name: str
    title: str
    kind: str = ""
    kernel: RemoteKernel | None = None
    logos: Mapping[str, bytes] = field(default_factory=dict)


def _candidate(
    draft: _Draft,
    request: Request,
    config: KernelConfig,
    here: Sequence[LocalSpec],
    same: Sequence[LocalSpec],
) -> Candidate:
    wanted, kernel = request.wanted, draft.kernel
    described: dict[str, Any] = {
        "argv": kernel_argv(draft.name),
        "display_name": wanted.display_name or f"{draft.title} on {request.alias}",
        "language": wanted.language or (kernel.language if kernel else ""),
        "interrupt_mode": kernel.interrupt_mode if kernel else "signal",
        "metadata": dict(kernel.metadata) if kernel else {},
    }
    spec = LocalSpec(draft.name, request.folder.path / draft.name, described)
    taken_by = next((each for each in here if each.name == draft.name), None)
    return Candidate(
        name=draft.name,
        title=draft.title,
        kind=draft.kind,
        environment=kernel.environment if kernel else "",
        content=spec.with_stanza(stanza_of(config, wanted)),
        config=config,
        logos=draft.logos,
        taken_by=taken_by,
        state=_state(taken_by, same, config, request),
    )


def _state(
    taken_by: LocalSpec | None, same: Sequence[LocalSpec], config: KernelConfig, request: Request
) -> State:
    if taken_by is None:
        return "new"
    if taken_by not in same:
        return "name taken"
    before = taken_by.config()
    given = [key for key in request.wanted.stanza() if key != "remote_python"]
    equal = all(getattr(before, key) == getattr(config, key) for key in given)
    wanted = request.wanted
    named = wanted.display_name in (None, taken_by.content.get("display_name"))
    spoken = wanted.language in (None, taken_by.content.get("language"))
    return "already there" if equal and named and spoken else "other settings"


def _leads_to(spec: LocalSpec, config: KernelConfig, survey: Survey | None) -> bool:
    """Say whether a kernel spec is for the very same kernel, by whatever way."""
    if not spec.ours or spec.problem:
        return False
    try:
        other = spec.config()
    except (ConfigError, LocalSpecError):
        return False

    def kernel(of: KernelConfig) -> tuple[object, ...]:
        python = at_home(survey, of.remote_python) if survey else of.remote_python
        return (of.ssh_host_alias, of.ssh_config, python, of.remote_kernel_name.lower())

    return kernel(other) == kernel(config)


def _kind(survey: Survey, kernel: RemoteKernel) -> str:
    """Say in a word what a kernel belongs to."""
    found = [each for each in survey.interpreters if each.executable == kernel.python]
    if kernel.environment and found:
        return found[0].kind
    return "user" if kernel.resource_dir.startswith(survey.system.home + "/") else "system"
