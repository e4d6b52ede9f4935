"""Values around a start: what clients agreed on, what the host is asked, what it told."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sshpyk_core.config import KernelConfig
from sshpyk_core.link.options import SupervisorOptions


@dataclass(frozen=True)
class MessageSecurity:
    """What a kernel and its clients must agree on; secrets stay out of every repr.

    Attributes:
        key: signs the messages.
        signature_scheme: how, such as ``hmac-sha256``.
        encryption: Jupyter's ``transport_encryption``.
        curve_publickey, curve_secretkey: for CURVE, Z85 text; empty where not wanted.
    """

    key: str = field(repr=False)
    signature_scheme: str = "hmac-sha256"
    encryption: Literal["disabled", "auto", "required"] = "disabled"
    curve_publickey: str = field(default="", repr=False)
    curve_secretkey: str = field(default="", repr=False)


@dataclass(frozen=True)
class LocalPlace:
    """Where clients on this machine find a kernel.

    Attributes:
        ip: local address for the ports.
        wanted_ports: local port numbers by channel that must be these.
        must_encrypt: whether a kernel will not do that talks to them in the clear.
    """

    ip: str = "127.0.0.1"
    wanted_ports: Mapping[str, int] = field(default_factory=dict)
    must_encrypt: bool = False


@dataclass(frozen=True)
class Missed:
    """What a kernel published while nobody listened, as far as it was kept: it is replayed.

    Attributes:
        size: bytes of it.
        cut_short: whether there was more than could be kept.
        since: when it began, in seconds since the epoch by the host's clock; None if not known.
    """

    size: int
    cut_short: bool = False
    since: float | None = None

    @classmethod
    def read(cls, told: object) -> Missed | None:
        """Make the value of what the host told; None of what makes no sense."""
        if not isinstance(told, Mapping):
            return None
        size, since = told.get("bytes"), told.get("since")
        if not isinstance(size, int) or not 0 <= size < 2**63:
            return None
        # Compared, as an integer may be too large to be made a float of.
        known = isinstance(since, int | float) and 0 <= since < 2**63
        return cls(size, told.get("full") is True, since if known else None)


@dataclass(frozen=True)
class Launch:
    """What one start of a kernel is given from this side, besides its configuration.

    Attributes:
        connection: what clients will use.
        ip: local address for the ports.
        wanted_ports: local port numbers by channel that must be these.
        session_name: Jupyter's name of the session, passed on to the kernel.
        local_env: the ``env`` of the local kernel spec.
        extra_arguments: for the end of the kernel's argument list.
    """

    connection: MessageSecurity
    ip: str = "127.0.0.1"
    wanted_ports: Mapping[str, int] = field(default_factory=dict)
    session_name: str = ""
    local_env: Mapping[str, str] = field(default_factory=dict)
    extra_arguments: Sequence[str] = ()

    @property
    def place(self) -> LocalPlace:
        """Where clients find it."""
        required = self.connection.encryption == "required"
        return LocalPlace(self.ip, self.wanted_ports, required)

    def request(self, config: KernelConfig) -> dict[str, Any]:
        """Give the launch request as it goes over the link (see ``remote.launch``)."""
        return {
            "kernel_name": config.remote_kernel_name,
            "remote_python": config.remote_python,
            "env": {**self.local_env, **config.env},
            "cwd": config.remote_cwd,
            "precmd": config.remote_precmd,
            "pythonhome": config.remote_pythonhome,
            "kernel_pythonhome": config.remote_kernel_pythonhome,
            "session_name": self.session_name,
            "extra_arguments": list(self.extra_arguments),
            "connection": {
                "key": self.connection.key,
                "signature_scheme": self.connection.signature_scheme,
                "encryption": self.connection.encryption,
                "curve_publickey": self.connection.curve_publickey,
                "curve_secretkey": self.connection.curve_secretkey,
            },
        }


@dataclass(frozen=True)
class KernelFacts:
    """What is known of a kernel that was started or attached to.

    Attributes:
        pid: its process on the host.
        ip: the local address that its ports are bound to.
        ports: local port numbers by channel.
        interrupt_mode: ``signal`` or ``message``, as its spec on the host says.
        encrypted: whether the CURVE keys are in force.
        metadata: of its spec on the host.
        argv: what was executed there.
        connection: what clients must use to talk to it.
        kernel_name: of its spec on the host.
        missed: what was published before and is replayed now; None if nothing is known of that.
    """

    pid: int
    ip: str
    ports: Mapping[str, int]
    interrupt_mode: str
    encrypted: bool
    metadata: Mapping[str, Any]
    argv: Sequence[str]
    connection: MessageSecurity
    kernel_name: str = ""
    missed: Missed | None = None

    @classmethod
    def read(
        cls,
        facts: Mapping[str, Any],
        ip: str,
        ports: Mapping[str, int],
        connection: MessageSecurity,
        missed: object = None,
    ) -> KernelFacts:
        """Make the value of what the host told."""
        return cls(
            pid=int(facts.get("pid") or 0),
            ip=ip,
            ports=dict(ports),
            interrupt_mode="message" if facts.get("interrupt_mode") == "message" else "signal",
            encrypted=bool(facts.get("encrypted")),
            metadata=dict(facts.get("metadata") or {}),
            argv=tuple(facts.get("argv") or ()),
            connection=connection,
            kernel_name=str(facts.get("kernel_name") or ""),
            missed=Missed.read(missed),
        )


def request_again(
    launch: Launch, config: KernelConfig, joined: MessageSecurity | None, *, as_it_was: bool
) -> dict[str, Any]:
    """Give the request for a kernel that is to start anew in its place.

    Args:
        launch: what is asked for now.
        config: of this program.
        joined: what its clients use, if another program had it started.
        as_it_was: whether it is to be started as it was then.
    """
    if joined is None:
        return launch.request(config)
    return {"again": True} if as_it_was else replace(launch, connection=joined).request(config)


def supervisor_options(config: KernelConfig) -> SupervisorOptions:
    """Say how the supervisor of a kernel with this configuration is to behave."""
    return SupervisorOptions(
        remote_dir=config.remote_dir,
        spool_limit=config.spool_limit,
        spool_memory=config.spool_memory,
        detached_timeout=config.detached_timeout,
        owner=owner(),
        persistent=config.persistent,
    )


def owner() -> str:
    """Say who has kernels started from here, as their supervisors record it."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
