"""What stands between this machine and a session, as transports that speak SSH find it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager

from sshpyk_core.errors import (
    AuthenticationError,
    ConfigError,
    HostError,
    HostKeyError,
    HostNotFoundError,
    HostUnreachableError,
)
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.host_keys.check import check_host_key
from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.host_keys.known_hosts import Verdict
from sshpyk_core.transport_kit.host_keys.trust import judge, read_known_hosts
from sshpyk_core.transport_kit.route.route import route
from sshpyk_core.transport_kit.settings.reader import SettingsReader
from sshpyk_core.transport_kit.settings.unkept import unkept_findings
from sshpyk_core.types import Finding, Prompter, Step, Target

__all__ = ["Diagnosis", "step_of"]

_STEPS: tuple[tuple[type[Exception], Step], ...] = (
    (ConfigError, "settings"),
    (HostNotFoundError, "name"),
    (HostUnreachableError, "port"),
    (HostKeyError, "host key"),
    (AuthenticationError, "login"),
)


def step_of(error: Exception) -> Step:
    """Say which part of the way to a session an error is about."""
    return next((step for kind, step in _STEPS if isinstance(error, kind)), "")


class Diagnosis:
    """One look at a target; asks nobody and remembers nothing.

    Attributes:
        findings: what was found, in order.
    """

    def __init__(self, target: Target, library: str) -> None:
        """Find nothing yet; ``library`` is the name of what speaks SSH."""
        self.findings: list[Finding] = []
        self._target = target
        self._library = library

    @property
    def found_an_error(self) -> bool:
        """Whether there is no use in going on."""
        return any(finding.level == "error" for finding in self.findings)

    def note(self, cause: str, step: Step = "login") -> None:
        """Add something that is well."""
        self.findings.append(Finding("ok", cause, step=step))

    @contextmanager
    def until_an_error(self) -> Iterator[None]:
        """Make the error that ends the work the last finding."""
        try:
            yield
        except ConfigError as error:
            fix = "Correct the kernel spec, or the ssh configuration."
            self.findings.append(Finding("error", str(error), fix, "settings"))
        except HostError as error:
            cause = f"{error.host}: could not {error.tried}: {error.answer}"
            self.findings.append(Finding("error", cause, error.fix, step_of(error)))

    async def read_settings(
        self, extra: Mapping[str, str], kept: Set[str]
    ) -> tuple[tuple[HostSettings, ...], HostSettings]:
        """Read the settings of all hosts on the way, and tell what they say.

        Args:
            extra: further settings of the target.
            kept: the keywords that the transport keeps to.

        Returns:
            The hosts, the nearest first; what would hold without any configuration.

        Raises:
            ConfigError, ConnectError: they cannot be read.
        """
        read = SettingsReader(self._target, extra, kept)
        hosts = await route(self._target, read)
        if not read.asks_ssh:
            cause = "there is no ssh program to ask for settings: sshpyk reads the files itself"
            self.findings.append(Finding("info", cause, "Install an OpenSSH client.", "settings"))
        for phrase in read.left_out:
            fix = "Write what matters of it into the host's own entry."
            self.findings.append(Finding("warning", f"left out: {phrase}", fix, "settings"))
        usual = await read.usual()
        for settings in hosts:
            way = settings.proxy_jump or settings.proxy_command
            through = f", through {way}" if way else ""
            where = f"{settings.user}@{settings.hostname}, port {settings.port}{through}"
            reader = "ssh" if read.asks_ssh else "sshpyk"
            self.note(f"{reader} reads {settings.alias} as {where}", "settings")
            self.findings += unkept_findings(settings, usual, read.kept, self._library)
        return hosts, usual

    async def check(self, settings: HostSettings, key: HostKey, prompter: Prompter | None) -> None:
        """Judge a host's key as `check_host_key` does for a connection, without remembering it.

        Raises:
            HostKeyError: a connection would not be made.
        """
        verdict = judge(settings, await read_known_hosts(settings), key)
        if verdict is Verdict.UNKNOWN and settings.strict_host_key_checking in ("accept-new", "no"):
            cause = f"the host key of {settings.alias} is not known yet: {key}"
            fix = f"It will be accepted at the first connection; `{settings.login_line}` asks."
            self.findings.append(Finding("info", cause, fix, "host key"))
            return
        await check_host_key(settings, key, None)  # remembers only what has been dealt with above
        self.note(f"the host key of {settings.alias} is known: {key}", "host key")
