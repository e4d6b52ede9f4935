"""What asyncssh and paramiko tell alike of a host's settings, before and while they log in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sshpyk_core.types import Finding, Target
from support.asyncssh_side import Leaks, without_ssh
from support.sshd import SSHServer

from sshpyk_asyncssh import plugin as asyncssh_plugin
from sshpyk_paramiko import plugin as paramiko_plugin

BOTH = ("asyncssh", "paramiko")


async def diagnosis(server: SSHServer, transport: str, **settings: object) -> list[Finding]:
    """Diagnose with some settings of ssh_config(5)."""
    plugin = {"asyncssh": asyncssh_plugin, "paramiko": paramiko_plugin}[transport]
    leaks = Leaks()
    options = {"options": settings}
    target = Target(server.alias, transport, str(server.ssh_config), options=options)
    findings = await plugin.sshpyk_diagnose(target)
    assert await leaks.found() == set()
    assert all(finding.fix for finding in findings if finding.level != "ok")
    return findings


def unwell(findings: list[Finding]) -> list[str]:
    """Give what is not well as lines of level and cause."""
    return [f"{one.level}: {one.cause}" for one in findings if one.level != "ok"]


@pytest.mark.parametrize("transport", BOTH)
async def test_a_host_with_nothing_configured_gives_no_cause_for_a_word(
    shared_sshd: SSHServer, transport: str
) -> None:
    findings = await diagnosis(shared_sshd, transport)
    assert unwell(findings) == []
    assert findings[0].cause.startswith(f"ssh reads {shared_sshd.alias} as ")
    assert findings[-1].cause == f"the login to {shared_sshd.alias} works without a question"
    usual = {"GSSAPIAuthentication": "no", "HostbasedAuthentication": "no", "RequiredRSASize": 1024}
    assert unwell(await diagnosis(shared_sshd, transport, **usual)) == []


@pytest.mark.parametrize("transport", BOTH)
@pytest.mark.parametrize(
    ("settings", "words", "fix"),
    [
        ({"KnownHostsCommand": "/bin/true"}, ": no host key is asked", "known hosts"),
        ({"PKCS11Provider": "/lib/p11.so"}, ": keys on that", "ssh-add -s /lib/p11.so"),
        ({"BindInterface": "eth0"}, ": the interface is not", "BindAddress"),
        ({"HostbasedAuthentication": "yes"}, ": that login is not tried", "openssh"),
        ({"VerifyHostKeyDNS": "yes"}, ": no host key is looked up", "known hosts"),
        ({"VerifyHostKeyDNS": "ask"}, ": no host key is looked up", "known hosts"),
        ({"RequiredRSASize": "2048"}, "", "openssh"),
        ({"CASignatureAlgorithms": "ssh-ed25519"}, "", "openssh"),
    ],
)
async def test_a_setting_that_takes_no_effect_is_told(
    shared_sshd: SSHServer,
    transport: str,
    settings: dict[str, str],
    words: str,
    fix: str,
) -> None:
    (keyword,) = settings
    findings = await diagnosis(shared_sshd, transport, **settings)
    (found,) = [finding for finding in findings if finding.level != "ok"]
    about = f"{shared_sshd.alias}: {transport} does nothing about {keyword.lower()}{words}"
    assert (found.level, found.cause[: len(about)]) == ("warning", about)
    assert fix in found.fix
    assert findings[-1].level == "ok"


async def test_each_transport_tells_of_what_only_the_other_keeps_to(
    shared_sshd: SSHServer,
) -> None:
    gssapi = {"GSSAPIAuthentication": "yes", "GSSAPIDelegateCredentials": "yes"}
    (found,) = unwell(await diagnosis(shared_sshd, "paramiko", **gssapi))
    assert found.startswith(
        "info: remote: paramiko does nothing about gssapiauthentication, gssapi"
    )
    assert found.endswith(": that login is not tried")
    (found,) = unwell(await diagnosis(shared_sshd, "paramiko", ForwardAgent="yes"))
    assert found.startswith("info: remote: paramiko does nothing about forwardagent: commands on")
    (found,) = unwell(await diagnosis(shared_sshd, "paramiko", RekeyLimit="1G"))
    assert found == "warning: remote: paramiko does nothing about rekeylimit"
    accepted = {"PubkeyAcceptedAlgorithms": "ssh-ed25519"}
    (found,) = unwell(await diagnosis(shared_sshd, "asyncssh", **accepted))
    assert found == "warning: remote: asyncssh does nothing about pubkeyacceptedalgorithms"
    for transport, settings in (
        ("asyncssh", {"ForwardAgent": "yes", "RekeyLimit": "1G"}),
        ("paramiko", accepted),
    ):
        assert unwell(await diagnosis(shared_sshd, transport, **settings)) == []


@pytest.mark.parametrize("transport", BOTH)
async def test_a_key_that_will_be_accepted_is_told_and_not_remembered(
    sshd: SSHServer, transport: str
) -> None:
    sshd.client.forget_host_key()
    findings = await diagnosis(sshd, transport, StrictHostKeyChecking="accept-new")
    (found,) = unwell(findings)
    assert found.startswith("info: the host key of remote is not known yet: ")
    assert findings[-1].level == "ok"
    assert sshd.client.known_hosts.read_text() == ""
    *_, last = unwell(await diagnosis(sshd, transport))
    assert last.startswith("error: remote: could not connect: no host key is known")


@pytest.mark.parametrize("transport", BOTH)
async def test_without_ssh_it_is_told_what_only_ssh_could_do(
    make_sshd: Callable[..., SSHServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
) -> None:
    server = make_sshd()
    canonical = {"CanonicalizeHostname": "yes", "HostbasedAuthentication": "no"}
    assert unwell(await diagnosis(server, transport, **canonical)) == []
    monkeypatch.setenv("PATH", without_ssh(tmp_path / "bin"))
    with server.ssh_config.open("a") as config:
        config.write("\nMatch sessiontype exec\n  User nobody\n")
    files, left_out, unkept = unwell(await diagnosis(server, transport, **canonical))
    assert files.startswith("info: there is no ssh program")
    assert left_out.startswith("warning: left out: remote: all of 'Match sessiontype exec'")
    assert unkept == f"warning: remote: {transport} does nothing about canonicalizehostname"
