"""What ``sshpyk_diagnose`` finds, and that it does nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sshpyk_core.declaration import Capability
from sshpyk_core.testing.conformance.needs import needs, with_server
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import CONNECT_SECONDS, Trial
from sshpyk_core.types import Finding

__all__ = ["Diagnosis"]

LEVELS = {"ok", "info", "warning", "error"}


class Diagnosis(Topic):
    """Findings for people."""

    async def test_nothing_is_wrong_with_a_host_that_works(self, trial: Trial) -> None:
        findings = await _diagnose(trial)
        assert "ok" in {finding.level for finding in findings}
        assert not [finding for finding in findings if finding.level == "error"]

    @needs(Capability.NETWORK)
    async def test_a_host_that_cannot_be_reached_is_an_error(self, trial: Trial) -> None:
        trial.server.relay.refuse()
        assert _errors(await _diagnose(trial))

    @needs(Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_a_name_that_does_not_resolve_is_an_error(self, trial: Trial) -> None:
        trial.server.configure("HostName nowhere.invalid")
        assert _errors(await _diagnose(trial))

    @needs(Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_a_silent_host_is_an_error_in_good_time(self, trial: Trial) -> None:
        trial.server.configure("ConnectTimeout 1")
        trial.server.relay.silence()
        assert _errors(await _diagnose(trial))

    @needs(Capability.NETWORK, Capability.HOST_KEYS)
    async def test_host_keys_that_are_not_trusted_are_errors(self, trial: Trial) -> None:
        trial.server.files.forget_host_key()
        assert _errors(await _diagnose(trial))
        trial.server.files.change_host_key()
        assert _errors(await _diagnose(trial))

    @needs(Capability.NETWORK, Capability.HOST_KEYS, Capability.SSH_CONFIG)
    async def test_a_new_host_key_is_not_remembered(self, trial: Trial) -> None:
        trial.server.files.forget_host_key()
        trial.server.configure("StrictHostKeyChecking accept-new")
        await _diagnose(trial)

    @needs(Capability.NETWORK, Capability.LOGIN)
    async def test_a_key_that_is_refused_is_an_error(self, trial: Trial) -> None:
        trial.server.files.offer_wrong_key()
        assert _errors(await _diagnose(trial))

    @needs(Capability.LOGIN)
    @with_server(password="nobody knows", key=False)  # noqa: S106 - of a server of this test
    async def test_a_login_that_takes_an_answer_is_an_error(self, trial: Trial) -> None:
        assert _errors(await _diagnose(trial))

    async def test_an_option_that_there_is_not_is_an_error(self, trial: Trial) -> None:
        target = trial.with_options(no_such_option=1)
        work = trial.transport.diagnose(target)
        errors = _errors(await within(CONNECT_SECONDS, work, "sshpyk_diagnose"))
        assert any("no_such_option" in error.cause for error in errors)


async def _diagnose(trial: Trial) -> list[Finding]:
    """Diagnose, and make sure that this changes and leaves nothing."""
    places = [trial.home]
    if Capability.NETWORK in trial.capabilities:
        places.append(trial.server.directory)
    before = _contents(places)
    async with trial.leaving_nothing():
        work = trial.transport.diagnose(trial.target)
        findings = await within(CONNECT_SECONDS, work, "sshpyk_diagnose")
    assert _contents(places) == before, "sshpyk_diagnose changes files"
    assert findings
    for finding in findings:
        assert finding.level in LEVELS
        assert finding.cause
        assert finding.fix or finding.level in ("ok", "info"), f"no fix in {finding}"
    return findings


def _errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "error"]


def _contents(places: list[Path]) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for place in places
        for path in place.rglob("*")
        if path.is_file()
    }
