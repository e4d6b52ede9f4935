"""RevokedHostKeys of ssh_config(5): keys that no host may have."""

from __future__ import annotations

from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.host_keys.known_hosts import REVOKED, KnownKey

__all__ = ["revoked_keys"]

_KRL = b"SSHKRL\n\0"


def revoked_keys(file: str) -> list[KnownKey]:
    """Read a file of public keys, one a line, as lines of a known hosts file for every host.

    Raises:
        OSError: the file cannot be read; nobody knows then what is revoked.
        ValueError: it is a key revocation list (ssh-keygen(1)), or a line of it is not a key.
    """
    with open(file, "rb") as stream:
        content = stream.read()
    if content.startswith(_KRL):
        raise ValueError("it is a binary key revocation list, not a list of public keys")
    lines = [line.strip() for line in content.decode("utf-8", "replace").split("\n")]
    return [
        KnownKey("*", HostKey.from_line(line), REVOKED, file, number)
        for number, line in enumerate(lines, 1)
        if line and not line.startswith("#")
    ]
