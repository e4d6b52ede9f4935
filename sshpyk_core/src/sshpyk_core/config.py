"""A kernel spec's ``config`` stanza as a checked value.

The stanza is ``metadata.kernel_provisioner.config`` of a kernel.json. The fields of
:class:`KernelConfig` are its keys, :data:`KEYS` is the table of all of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal

from sshpyk_core import config_values as kinds
from sshpyk_core.config_values import Kind
from sshpyk_core.errors import ConfigError
from sshpyk_core.port_forward import PortForward
from sshpyk_core.timers import LinkTimers
from sshpyk_core.types import Target

__all__ = ["KEYS", "REQUIRED", "KernelConfig", "Key"]

REQUIRED = MISSING
"""The default of a key that must be given."""

_DAY = 24 * 60 * 60.0


def _key(kind: Kind, doc: str, default: Any = None, *, legacy: bool = False) -> Any:
    metadata = {"kind": kind, "doc": doc, "legacy": legacy}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class KernelConfig:
    """All that a kernel spec says about its remote kernel; make one with :meth:`parse`.

    Each field but ``notices`` is a key of the stanza.

    Attributes:
        notices: sentences about keys that no longer have a meaning, for the log.
    """

    ssh_host_alias: str = _key(kinds.ALIAS, "The host, as `ssh` takes it.", REQUIRED)
    transport: str = _key(kinds.TRANSPORT, "The plugin that speaks SSH.", "openssh")
    transport_options: Mapping[str, Any] = _key(
        kinds.OPTIONS, "What the transport is told besides; each documents its own.", {}
    )
    ssh_config: str | None = _key(
        kinds.LOCAL_FILE, "The ssh config file to read instead of the user's own."
    )
    ssh: str | None = _key(kinds.PROGRAM, "The ssh program, instead of the one on PATH.")
    remote_python: str = _key(
        kinds.PYTHON, "The interpreter on the host; `auto` looks for one.", "auto"
    )
    remote_kernel_name: str = _key(
        kinds.KERNEL_NAME, "The kernel to run, as the host's own Jupyter would name it.", "python3"
    )
    launch_timeout: float = _key(
        kinds.SECONDS, "Seconds until a start that has not succeeded is given up.", 30
    )
    shutdown_time: float | None = _key(
        kinds.SECONDS, "Seconds that a kernel may take to end; Jupyter's own value if not given."
    )
    env: Mapping[str, str] = _key(
        kinds.ENVIRONMENT, "Variables for the kernel; `${NAME}` takes the host's value.", {}
    )
    remote_cwd: str | None = _key(
        kinds.REMOTE_DIRECTORY, "The kernel's working directory; the home directory if not given."
    )
    remote_precmd: str | None = _key(
        kinds.TEXT, "What the user's shell on the host runs before the kernel."
    )
    channels: Literal["relay", "forward"] = _key(
        kinds.CHANNELS, "How the kernel's five ports come here.", "relay"
    )
    forward: Sequence[str | int] = _key(
        kinds.FORWARDS, "Ports of the host to have here while the kernel runs.", ()
    )
    remote_dir: str | None = _key(
        kinds.REMOTE_DIRECTORY, "Where the remote package keeps its files; a cache if not given."
    )
    spool_limit: int = _key(
        kinds.BYTES, "Bytes of disk that a kernel's unread output may take.", 1024**3
    )
    spool_memory: int = _key(
        kinds.BYTES, "Bytes of memory that it may take before it goes to disk.", 64 * 1024**2
    )
    ping_after: float = _key(
        kinds.PING, "Seconds of silence after which the host is asked for a sign of life.", 5
    )
    dead_after: float = _key(
        kinds.SECONDS, "Seconds of silence after which the connection counts as lost.", 20
    )
    detached_timeout: float = _key(
        kinds.SECONDS, "Seconds without any connection until the kernel is stopped.", 7 * _DAY
    )
    persistent: bool = _key(
        kinds.FLAG, "The kernel stays for as long as it runs, whatever ends the program.", False
    )
    reattach: bool = _key(
        kinds.FLAG, "A notebook that is opened again gets the kernel that it left there.", False
    )
    persistent_file: str | None = _key(
        kinds.TEXT,
        "Where a file is written that leads to the kernel; implies `persistent`.",
        legacy=True,
    )
    existing: str | None = _key(
        kinds.TEXT, "A kernel that runs already, to attach to: such a file, or its id.", legacy=True
    )
    remote_pythonhome: str | None = _key(
        kinds.REMOTE_DIRECTORY, "`PYTHONHOME` for `remote_python`.", legacy=True
    )
    remote_kernel_pythonhome: str | None = _key(
        kinds.REMOTE_DIRECTORY, "`PYTHONHOME` for the kernel.", legacy=True
    )
    notices: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, stanza: Mapping[str, object], where: str = "the kernel spec") -> KernelConfig:
        """Check a stanza and make a value of it.

        Args:
            stanza: the JSON object of the kernel spec.
            where: which kernel spec that is, for messages.

        Raises:
            ConfigError: unknown keys, impossible values, no alias; all of them in one message.
        """
        problems = [_unknown(name) for name in stanza if name not in _BY_NAME]
        values: dict[str, Any] = {}
        for key in KEYS:
            if key.name in stanza:
                _take(key, stanza[key.name], values, problems)
            elif key.default is REQUIRED:
                problems.append(f"{key.name} is missing: it must be {key.kind.allowed}")
        values, notices = _modern(values, problems)
        _check_timers(values, problems)
        if problems:
            raise ConfigError("\n  ".join([f"wrong settings in {where}:", *problems]))
        return cls(**values, notices=tuple(notices))

    def to_stanza(self) -> dict[str, Any]:
        """Return the stanza that parses to this value: what differs from the defaults."""
        stanza = {}
        for key in KEYS:
            value = getattr(self, key.name, key.default)
            if value != key.default:
                stanza[key.name] = _as_json(value)
        return stanza

    @property
    def named_python(self) -> str | None:
        """The interpreter that it names; None leaves the choice to the host."""
        return None if self.remote_python == "auto" else self.remote_python

    @property
    def timers(self) -> LinkTimers:
        """When silence means what, on the link to the host."""
        return LinkTimers(ping_after=self.ping_after, dead_after=self.dead_after)

    @property
    def port_forwards(self) -> tuple[PortForward, ...]:
        """The ports of the host to have here, as values."""
        return tuple(PortForward.parse(str(each)) for each in self.forward)

    @property
    def target(self) -> Target:
        """The host that it names: equal ones share one session."""
        return Target(
            alias=self.ssh_host_alias,
            transport=self.transport,
            ssh_config=self.ssh_config,
            ssh=self.ssh,
            options=dict(self.transport_options),
        )


@dataclass(frozen=True)
class Key:
    """One key of the stanza.

    Attributes:
        name: as it stands in the kernel.json.
        kind: what its value must be; null is allowed besides where the default is None.
        default: its value when it is not given, or :data:`REQUIRED`.
        doc: what it is for, as one sentence.
        legacy: whether it comes from sshpyk 1.x.
    """

    name: str
    kind: Kind
    default: Any
    doc: str
    legacy: bool


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _from_field(of: Field[Any]) -> Key:
    default = of.default if of.default_factory is MISSING else of.default_factory()
    return Key(of.name, of.metadata["kind"], default, of.metadata["doc"], of.metadata["legacy"])


_NO_MEANING = {
    "raise_on_ssh_config_error": "the user's ssh config is no longer required to hold anything",
    "independent_local_processes": "no local process belongs to a kernel any more",
}

KEYS: tuple[Key, ...] = (
    *(_from_field(each) for each in fields(KernelConfig) if each.metadata),
    Key("shutdown_timeout", kinds.SECONDS, None, "The old name of `shutdown_time`.", True),
    Key("ssh_verbose", kinds.VERBOSITY, None, "The `verbose` option of openssh, as `v`s.", True),
    *(
        Key(name, kinds.FLAG, None, f"Has no meaning: {why}.", True)
        for name, why in _NO_MEANING.items()
    ),
)
"""Every key that a stanza may have."""

_BY_NAME = {key.name: key for key in KEYS}

_BLANK_IN_1X = ("persistent_file", "existing")


def _unknown(name: object) -> str:
    near = difflib.get_close_matches(str(name), _BY_NAME, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(_BY_NAME)}"
    return f"unknown key {name!r}: {hint}"


def _take(key: Key, value: object, values: dict[str, Any], problems: list[str]) -> None:
    if (value is None and key.default is None) or (value == "" and key.name in _BLANK_IN_1X):
        return
    try:
        values[key.name] = key.kind.parse(value)
    except ValueError as error:
        found = str(error) or f"{value!r:.100} is not allowed"
        problems.append(f"{key.name}: {found}; it must be {key.kind.allowed}")


def _modern(values: Mapping[str, Any], problems: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Give the same values under the keys of today, and what to say about the others."""
    modern = {name: value for name, value in values.items() if name in _FIELD_NAMES}
    notices = [
        f"the config key {name} has no meaning any more: {why}"
        for name, why in _NO_MEANING.items()
        if name in values
    ]
    if "shutdown_timeout" in values:
        old = values["shutdown_timeout"]
        if modern.setdefault("shutdown_time", old) != old:
            problems.append("shutdown_timeout is the old name of shutdown_time, and they differ")
    if "ssh_verbose" in values:
        if modern.get("transport", "openssh") == "openssh":
            options = {"verbose": values["ssh_verbose"], **modern.get("transport_options", {})}
            modern["transport_options"] = options
        else:
            notices.append("the config key ssh_verbose has a meaning only for openssh")
    if "persistent_file" in modern:
        modern["persistent"] = True
    return modern, notices


def _check_timers(values: Mapping[str, Any], problems: list[str]) -> None:
    ping, dead = (values.get(name, _BY_NAME[name].default) for name in ("ping_after", "dead_after"))
    if dead <= ping:
        problems.append(
            f"dead_after ({dead:g} s) must be more than ping_after ({ping:g} s): "
            "an answer takes time"
        )


_FIELD_NAMES = {each.name for each in fields(KernelConfig) if each.metadata}
