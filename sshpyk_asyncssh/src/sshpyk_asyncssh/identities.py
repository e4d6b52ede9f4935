"""The keys that prove who we are: those of an agent and those in files, in ssh's own order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

import asyncssh
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.deadline import Deadline

from sshpyk_asyncssh.key_files import (
    AskPassphrase,
    FilePair,
    KeyFile,
    Lock,
    load_certificates,
    read_key_file,
)

__all__ = ["Agent", "Identities", "Identity"]

log = logging.getLogger(__name__)

_AGENT_SECONDS = 10.0


@dataclass(frozen=True)
class Identity:
    """One key to offer, with or without a certificate.

    Attributes:
        name: what people call it, such as ``the key ~/.ssh/id_ed25519``.
        pair: offers the public half, and signs.
    """

    name: str
    pair: asyncssh.SSHKeyPair


class Agent:
    """The user's ssh-agent, or none; use it with ``async with``.

    Attributes:
        keys: what it holds.
    """

    def __init__(self, path: str | None) -> None:
        """Connect to nothing yet; ``path`` is None where there is no agent."""
        self.keys: Sequence[asyncssh.SSHKeyPair] = ()
        self._path = path
        self._client: asyncssh.SSHAgentClient | None = None

    async def __aenter__(self) -> Agent:
        """Ask for its keys; one that does not answer as an agent has none."""
        if self._path is None:
            return self
        try:
            # Before Python 3.12, asyncio.wait_for would now and then swallow a cancellation.
            self.keys = await Deadline(_AGENT_SECONDS).run(self._ask(self._path))
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            log.debug("the agent at %s is not used: %s", self._path, error)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _ask(self, path: str) -> Sequence[asyncssh.SSHKeyPair]:
        self._client = await asyncssh.connect_agent(path)
        return await self._client.get_keys()

    async def __aexit__(self, *failure: object) -> None:
        """Leave the agent."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
            await client.wait_closed()

    def certified(
        self, pair: asyncssh.SSHKeyPair, certificate: asyncssh.SSHCertificate
    ) -> asyncssh.SSHKeyPair:
        """Return one of its keys, to be offered with a certificate from a file."""
        assert self._client is not None
        comment = pair.get_comment_bytes() or b""
        both = asyncssh.SSHAgentKeyPair(
            self._client, pair.key_algorithm, pair.key_public_data, comment
        )
        both.set_certificate(certificate)
        return both


class Identities:
    """The keys to offer, one by one: those that ask nobody come first.

    As ssh does it: the configured keys that the agent has, the others of the agent, the configured
    ones in files; each with its certificate before the key alone.

    Attributes:
        locks: those of the keys in files that were offered, or would have been.
    """

    def __init__(self, settings: HostSettings, agent: Agent, ask: AskPassphrase) -> None:
        """Read nothing yet.

        Args:
            settings: of the host.
            agent: an agent that was entered.
            ask: asks for passphrases; only for a key that the server would accept.
        """
        self._settings = settings
        self._agent = agent
        self._ask = ask
        self.locks: list[Lock] = []
        self._certificates: list[asyncssh.SSHCertificate] = []
        self._ready: deque[Identity] | None = None
        self._files: deque[KeyFile] = deque()

    async def next(self) -> Identity | None:
        """Give the next key; None when there is no other."""
        if self._ready is None:
            self._ready = deque(await self._of_agent())
        while not self._ready and self._files:
            self._ready.extend(await self._of_file(self._files.popleft()))
        return self._ready.popleft() if self._ready else None

    async def _of_agent(self) -> list[Identity]:
        files = await asyncio.to_thread(_read_all, self._settings.identity_files)
        paths = self._settings.certificate_files
        self._certificates = await asyncio.to_thread(load_certificates, paths)
        held = {pair.public_data: pair for pair in self._agent.keys}
        ours = [one.public.public_data for one in files if one.public is not None]
        wanted = [pair for blob, pair in held.items() if blob in ours]
        wanted.sort(key=lambda pair: ours.index(pair.public_data))
        if not self._settings.identities_only:
            wanted += [pair for blob, pair in held.items() if blob not in ours]
        self._files = deque(file for file in files if file.private and not _is_in(file, held))
        beside = [*self._certificates, *(one for file in files for one in file.certificates)]
        found: list[Identity] = []
        for pair in wanted:
            name = f"the agent's key {pair.get_comment(errors='replace') or pair.get_algorithm()}"
            for certificate in _fitting(beside, pair.public_data):
                both = self._agent.certified(pair, certificate)
                found.append(Identity(f"{name} with a certificate", both))
            found.append(Identity(name, pair))
        return found

    async def _of_file(self, file: KeyFile) -> list[Identity]:
        lock = Lock(file, self._ask)
        self.locks.append(lock)
        try:
            public = file.public or await lock.open()
        except ValueError as error:
            log.debug("the key %s is passed over: %s", file.path, error)
            return []
        name = f"the key {file.path}"
        beside = _fitting([*self._certificates, *file.certificates], public.public_data)
        return [
            *(
                Identity(f"{name} with a certificate", FilePair(public, certificate, lock))
                for certificate in beside
            ),
            Identity(name, FilePair(public, None, lock)),
        ]


def _is_in(file: KeyFile, held: Container[bytes]) -> bool:
    return file.public is not None and file.public.public_data in held


def _fitting(
    certificates: Iterable[asyncssh.SSHCertificate], blob: bytes
) -> list[asyncssh.SSHCertificate]:
    found = {one.public_data: one for one in certificates if one.key.public_data == blob}
    return list(found.values())


def _read_all(paths: Sequence[str]) -> list[KeyFile]:
    return [read_key_file(path) for path in paths]
