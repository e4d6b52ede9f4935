"""A key that only the system's known hosts file has is one that the host may show."""

from __future__ import annotations

from pathlib import Path

import pytest
from sshpyk_core.errors import UnknownHostKeyError
from sshpyk_core.transport import transport_for
from sshpyk_core.types import Target
from support.openssh import outcome
from support.sshd import SSHServer
from support.ways import TRANSPORTS


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("known", [True, False])
async def test_the_system_s_known_hosts_file_counts(
    sshd: SSHServer, tmp_path: Path, transport: str, known: bool
) -> None:
    everybodys = tmp_path / "ssh_known_hosts"
    lines = sshd.client.known_hosts.read_text() if known else ""
    everybodys.write_text(lines)
    sshd.client.forget_host_key()
    config = tmp_path / "config"
    config.write_text(
        f"Host {sshd.alias}\n  GlobalKnownHostsFile {everybodys}\n  StrictHostKeyChecking yes\n"
        f"Include {sshd.ssh_config}\n"
    )
    target = Target(sshd.alias, transport, ssh_config=str(config))
    speaks = transport_for(target)
    if not known:
        with pytest.raises(UnknownHostKeyError):
            await speaks.connect(target)
        return
    session = await speaks.connect(target)
    process = await speaks.launch(session, "echo hello")
    assert (await outcome(process))[1] == b"hello\n"
    await session.aclose()
