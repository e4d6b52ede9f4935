"""Host keys: trusted, unknown, changed, revoked; and who decides."""

from __future__ import annotations

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import ChangedHostKeyError, UnknownHostKeyError
from sshpyk_core.testing.client_files import hashed_name
from sshpyk_core.testing.conformance.needs import needs
from sshpyk_core.testing.conformance.somebody import Nobody, Somebody
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import Trial

__all__ = ["HostKeys"]


class HostKeys(Topic):
    """Known hosts files, and StrictHostKeyChecking of ssh_config(5)."""

    @needs(Capability.HOST_KEYS, Capability.NETWORK)
    async def test_an_unknown_host_key_is_refused(self, trial: Trial) -> None:
        trial.server.files.forget_host_key()
        await trial.refused(UnknownHostKeyError)
        assert _known(trial) == ""

    @needs(Capability.HOST_KEYS, Capability.NETWORK)
    async def test_a_changed_host_key_is_refused_whoever_is_there(self, trial: Trial) -> None:
        trial.server.files.change_host_key()
        before = _known(trial)
        await trial.refused(ChangedHostKeyError)
        await trial.refused(ChangedHostKeyError, _yes())
        assert _known(trial) == before

    @needs(Capability.HOST_KEYS, Capability.NETWORK)
    async def test_a_revoked_host_key_is_refused(self, trial: Trial) -> None:
        trial.server.files.trust_host_key(marker="@revoked")
        await trial.refused(ChangedHostKeyError)
        await trial.refused(ChangedHostKeyError, _yes())

    @needs(Capability.HOST_KEYS, Capability.NETWORK)
    async def test_a_hashed_name_is_recognised(self, trial: Trial) -> None:
        name = hashed_name(f"[127.0.0.1]:{trial.server.port}")
        trial.server.files.trust_host_key(name=name)
        async with trial.session() as session:
            await trial.works(session)
        trial.server.files.change_host_key(name=name)
        await trial.refused(ChangedHostKeyError)

    @needs(Capability.HOST_KEYS, Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_strict_checking_asks_nobody(self, trial: Trial) -> None:
        trial.server.files.forget_host_key()
        trial.server.configure("StrictHostKeyChecking yes")
        somebody = _yes()
        await trial.refused(UnknownHostKeyError, somebody)
        assert somebody.questions == []
        assert _known(trial) == ""

    @needs(Capability.HOST_KEYS, Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_a_host_key_that_somebody_accepts_is_remembered(self, trial: Trial) -> None:
        trial.server.files.forget_host_key()
        trial.server.configure("StrictHostKeyChecking ask")
        somebody = _yes()
        async with trial.session(somebody) as session:
            await trial.works(session)
        (question,) = somebody.questions
        assert question.kind == "host key"
        assert "SHA256:" in question.text, "the question shows no fingerprint"
        assert not question.secret
        assert trial.server.real.host_key.split()[1] in _known(trial)
        nobody = Nobody()
        async with trial.session(nobody) as session:
            await trial.works(session)
        assert nobody.questions == []

    @needs(Capability.HOST_KEYS, Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_a_host_key_that_nobody_accepts_is_refused(self, trial: Trial) -> None:
        trial.server.files.forget_host_key()
        trial.server.configure("StrictHostKeyChecking ask")
        await trial.refused(UnknownHostKeyError)
        await trial.refused(UnknownHostKeyError, Nobody())
        await trial.refused(UnknownHostKeyError, Somebody(lambda question, before: "no"))
        assert _known(trial) == ""

    @needs(Capability.HOST_KEYS, Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_a_new_host_key_is_accepted_and_remembered_where_the_config_says_so(
        self, trial: Trial
    ) -> None:
        trial.server.files.forget_host_key()
        trial.server.configure("StrictHostKeyChecking accept-new")
        async with trial.session() as session:
            await trial.works(session)
        assert trial.server.real.host_key.split()[1] in _known(trial)
        async with trial.session() as session:
            await trial.works(session)
        trial.server.files.change_host_key()
        await trial.refused(ChangedHostKeyError)

    @needs(Capability.HOST_KEYS, Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_a_host_is_known_by_its_host_key_alias(self, trial: Trial) -> None:
        trial.server.configure("HostKeyAlias another-name")
        await trial.refused(UnknownHostKeyError)
        trial.server.files.trust_host_key(name="another-name")
        async with trial.session() as session:
            await trial.works(session)

    @needs(Capability.HOST_KEYS, Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_without_a_known_hosts_file_no_host_is_known(self, trial: Trial) -> None:
        trial.server.configure("UserKnownHostsFile none")
        await trial.refused(UnknownHostKeyError)


def _yes() -> Somebody:
    return Somebody(lambda question, before: "yes")


def _known(trial: Trial) -> str:
    return trial.server.known_hosts.read_text(encoding="ascii")
