"""Puts together what a host said and what a kernel spec wants."""

from __future__ import annotations

import shlex

from sshpyk_core.cli.listing.facts import Fact, SshKernel
from sshpyk_core.cli.listing.hosts import HostReport, HostToCheck
from sshpyk_core.cli.listing.local import Ours, ssh_program, transport
from sshpyk_core.config import KernelConfig
from sshpyk_core.connection import Places
from sshpyk_core.kernelspecs import LocalSpec, argv_problem
from sshpyk_core.locating import Located, NotLocated, Wanted
from sshpyk_core.types import Target

__all__ = ["hosts_of", "misconfigured", "ssh_kernel"]

_UNKNOWN = Fact("unknown", "unknown")


def hosts_of(ours: tuple[Ours, ...]) -> list[HostToCheck]:
    """Give each host once, whatever number of kernel specs leads there."""
    by_target: dict[Target, dict[str, KernelConfig]] = {}
    for each in ours:
        if each.config is not None:
            by_target.setdefault(each.config.target, {})[each.spec.name] = each.config
    return [_host(target, known) for target, known in by_target.items()]


def _host(target: Target, known: dict[str, KernelConfig]) -> HostToCheck:
    configs = list(known.values())
    pythons = (each.named_python for each in configs if each.named_python)
    directories = (each.remote_dir for each in configs if each.remote_dir)
    facts = (transport(target.transport), ssh_program(configs[0]))
    return HostToCheck(
        target=target,
        login=target.alias if target == Target(target.alias) else next(iter(known)),
        places=Places(next(pythons, None), next(directories, None)),
        wanted={name: Wanted.of(config) for name, config in known.items()},
        usable=not any(fact.mark == "error" for fact in facts),
    )


def ssh_kernel(spec: LocalSpec, config: KernelConfig, report: HostReport) -> SshKernel:
    """Tell all of one kernel spec.

    Args:
        spec: the kernel spec.
        config: what it says.
        report: of its host.
    """
    found = report.kernels.get(spec.name)
    located = found if isinstance(found, Located) else None
    location = report.location
    where = f"{location.system} ({location.host})" if location else ""
    return SshKernel(
        name=spec.name,
        display_name=spec.display_name,
        language=str(spec.content.get("language", "")),
        file=spec.file,
        command=_command(config),
        config=_argv(spec),
        interrupt_mode=_interrupt_mode(_own_mode(spec), located),
        transport=transport(config.transport),
        ssh=ssh_program(config),
        ssh_config=None if config.ssh_config is None else Fact(config.ssh_config),
        alias=config.ssh_host_alias,
        hops=report.hops,
        way=report.way,
        connection=report.connection,
        findings=report.findings,
        system=Fact(where) if location else report.trouble or _UNKNOWN,
        remote_interrupt_mode=located.interrupt_mode if located else "",
        python=_python(spec.name, config, found),
        kernel=_kernel(spec.name, config, found),
        launch_timeout=config.launch_timeout,
        shutdown_timeout=config.shutdown_time,
        remote_command=located.argv if located else (),
    )


def misconfigured(ours: Ours) -> SshKernel:
    """Tell of a kernel spec whose ``config`` is wrong; the rest as far as it is known."""
    spec, stanza = ours.spec, ours.spec.stanza
    alias = str(stanza.get("ssh_host_alias", ""))
    kernel = str(stanza.get("remote_kernel_name", "python3"))
    config = stanza.get("ssh_config")
    return SshKernel(
        name=spec.name,
        display_name=spec.display_name,
        language=str(spec.content.get("language", "")),
        file=spec.file,
        command=f"ssh {alias} ... {kernel}",
        config=Fact(
            "wrong", "error", ours.problem, f"Correct it: `sshpyk edit {spec.name} --editor`."
        ),
        interrupt_mode=Fact(_own_mode(spec), "unknown"),
        transport=Fact(str(stanza.get("transport", "openssh")), "unknown"),
        ssh=Fact(str(stanza.get("ssh") or "ssh"), "unknown"),
        ssh_config=None if config is None else Fact(str(config), "unknown"),
        alias=alias,
        hops=(),
        way=None,
        connection=Fact("not checked", "unknown"),
        findings=(),
        system=_UNKNOWN,
        remote_interrupt_mode="",
        python=Fact(str(stanza.get("remote_python", "auto")), "unknown"),
        kernel=Fact(kernel, "unknown"),
        launch_timeout=None,
        shutdown_timeout=None,
        remote_command=(),
    )


def _argv(spec: LocalSpec) -> Fact:
    """Tell whether programs that know no provisioners can start it; Jupyter does not need that."""
    problem = argv_problem(spec.name, spec.content)
    if not problem:
        return Fact("can be read")
    fix = f"Write its argv anew: `sshpyk import {spec.name}`."
    cause = f"{problem}, so only Jupyter's own programs can start it"
    return Fact("can be read", "warning", cause, fix)


def _command(config: KernelConfig) -> str:
    file = ["-F", config.ssh_config] if config.ssh_config else []
    words = [config.ssh or "ssh", *file, config.ssh_host_alias]
    return f"{shlex.join(words)} ... {config.remote_kernel_name}"


def _own_mode(spec: LocalSpec) -> str:
    return str(spec.content.get("interrupt_mode") or "signal")


def _interrupt_mode(mode: str, located: Located | None) -> Fact:
    if located is None:
        return Fact(mode, "unknown")
    if located.interrupt_mode == mode:
        return Fact(mode)
    return Fact(mode, "info", f"the host says {located.interrupt_mode}, which is what is done")


def _python(name: str, config: KernelConfig, found: Located | NotLocated | None) -> Fact:
    wanted = config.remote_python
    if found is None:
        return Fact(wanted, "unknown")
    if found.python:
        return Fact(wanted if wanted == found.python else f"{found.python} ({wanted})")
    if not isinstance(found, NotLocated) or found.kind != "python":
        return Fact(wanted, "unknown")
    fix = f"Name another: `sshpyk edit {name} --remote-python PATH`."
    return _missing(config, wanted, found.cause, fix)


def _kernel(name: str, config: KernelConfig, found: Located | NotLocated | None) -> Fact:
    wanted = config.remote_kernel_name
    if isinstance(found, Located):
        return Fact(wanted)
    if found is None or found.kind == "python":
        return Fact(wanted, "unknown")
    fix = ""
    if found.kind == "missing":
        fix = f"Name one of them: `sshpyk edit {name} --remote-kernel-name NAME`."
        if wanted.lower() == "python3":
            install = f"{shlex.quote(found.python)} -m pip install ipykernel"
            fix = f"Install ipykernel on the host: `{install}`."
    return _missing(config, wanted, found.cause, fix)


def _missing(config: KernelConfig, value: str, cause: str, fix: str) -> Fact:
    if config.remote_precmd:
        return Fact(value, "warning", f"{cause}; remote_precmd was not run and may provide it", fix)
    return Fact(value, "error", cause, fix)
