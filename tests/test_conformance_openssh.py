"""The OpenSSH transport keeps to the contract, with a server of each author."""

from __future__ import annotations

import pytest
from sshpyk_core.testing.conformance import TransportConformance
from support.conformance import DropbearServers, SshdServers, dropbear_servers, sshd_servers

__all__ = ["dropbear_servers", "sshd_servers"]


class TestEmbedded(TransportConformance):
    transport = "openssh"


@pytest.mark.others
class TestSshd(TransportConformance):
    transport = "openssh"

    @pytest.fixture
    def servers(self, sshd_servers: SshdServers) -> SshdServers:
        return sshd_servers


@pytest.mark.others
class TestDropbear(TransportConformance):
    transport = "openssh"

    @pytest.fixture
    def servers(self, dropbear_servers: DropbearServers) -> DropbearServers:
        return dropbear_servers
