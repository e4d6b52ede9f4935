"""What client and server said of their algorithms, read where asyncssh no longer tells."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sshpyk_asyncssh.agreement import disagreement

KINDS = ("kex", "key", "enc", "enc", "mac", "mac", "none", "none")


def kexinit(**lists: str) -> bytes:
    """A KEXINIT as RFC 4253 has it in section 7.1; ``lists`` by the words in KINDS."""
    named = [lists.get(kind, kind).encode() for kind in KINDS]
    lengths = [len(each).to_bytes(4, "big") for each in named]
    content = b"".join(part for pair in zip(lengths, named, strict=True) for part in pair)
    return bytes([20]) + bytes(16) + content + bytes(8 + 1 + 4)


def said(client: bytes, server: bytes) -> str:
    found = disagreement(SimpleNamespace(_client_kexinit=client, _server_kexinit=server))
    return found.reason if found is not None else ""


@pytest.mark.parametrize(
    ("kind", "words"),
    [("kex", "key exchange"), ("key", "host key"), ("enc", "encryption"), ("mac", "MAC")],
)
def test_what_is_not_in_common_is_named(kind: str, words: str) -> None:
    told = said(kexinit(**{kind: "a,b"}), kexinit(**{kind: "c"}))
    assert told == f"No matching {words} algorithm found, sent a,b and received c"


def test_a_cipher_that_seals_needs_no_mac() -> None:
    sealing = "aes128-gcm@openssh.com"
    assert said(kexinit(enc=sealing, mac="a"), kexinit(enc=f"x,{sealing}", mac="b")) == ""


@pytest.mark.parametrize("cut", [0, 1, 17, 20, 40])
def test_nothing_is_made_of_what_was_not_said(cut: int) -> None:
    assert said(kexinit(), kexinit()) == ""
    assert said(kexinit(), kexinit()[:cut]) == ""
    assert disagreement(None) is None
