"""What asyncssh is told about one connection; it reads no file of the user's by itself."""

from __future__ import annotations

from typing import Any

from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.login.agent import forwarded_agent_path

from sshpyk_asyncssh.algorithms import choose, host_key_order
from sshpyk_asyncssh.client import Client
from sshpyk_asyncssh.trust import Trust

__all__ = ["METHODS", "connection_options"]

METHODS = ("gssapi-keyex", "gssapi-with-mic", "publickey", "keyboard-interactive", "password")
"""The ways to log in (RFC 4252, RFC 4256, RFC 4462) that are tried, in the order of ssh(1)."""


def connection_options(settings: HostSettings, trust: Trust, client: Client) -> dict[str, Any]:
    """Return the keyword arguments of ``asyncssh.connect`` for a host.

    Args:
        settings: of the host.
        trust: which of its keys are known.
        client: what asyncssh calls back.

    Raises:
        ConnectError: asyncssh has none of the algorithms that are allowed.
    """
    algorithms = choose(settings)
    host_keys = host_key_order(
        algorithms.host_keys.offered, trust.algorithms, certified=trust.certificates
    )
    compressed = ["zlib@openssh.com", "zlib", "none"]
    return {
        "config": None,
        "client_factory": lambda: client,
        "username": settings.user,
        "known_hosts": trust.key_lists,
        "host_key_alias": settings.host_key_alias,
        "server_host_key_algs": host_keys,
        "x509_trusted_certs": None,
        "x509_trusted_cert_paths": [],
        "encryption_algs": list(algorithms.ciphers.offered),
        "mac_algs": list(algorithms.macs.offered),
        "kex_algs": list(algorithms.kex.offered),
        "compression_algs": compressed if settings.compression else ["none", "zlib@openssh.com"],
        # The time limits are ours: they stand still while a person is asked.
        "connect_timeout": None,
        "login_timeout": 0,
        "tcp_keepalive": settings.flag("tcpkeepalive", default=True),
        "keepalive_interval": settings.server_alive_interval,
        "keepalive_count_max": max(1, settings.server_alive_count_max),
        **_logins(settings),
        **_rekey(settings),
    }


def _logins(settings: HostSettings) -> dict[str, Any]:
    gssapi = settings.flag("gssapiauthentication")
    wanted = settings.preferred_authentications or METHODS
    return {
        # An empty list would let asyncssh try all that it knows.
        "preferred_auth": [name for name in wanted if name in METHODS] or ["none"],
        # None: keys come from the client's callback alone, whatever lies in ~/.ssh.
        "client_keys": None,
        "public_key_auth": settings.pubkey_authentication,
        "password_auth": settings.password_authentication,
        "kbdint_auth": settings.kbd_interactive_authentication,
        "host_based_auth": False,
        "gss_host": settings.hostname if gssapi else None,
        "gss_auth": gssapi,
        "gss_kex": settings.flag("gssapikeyexchange"),
        "gss_delegate_creds": settings.flag("gssapidelegatecredentials"),
        "agent_forwarding": forwarded_agent_path(settings) or False,
    }


def _rekey(settings: HostSettings) -> dict[str, Any]:
    """Read RekeyLimit: bytes, then seconds; 0, ``default`` and ``none`` leave it to asyncssh."""
    words = (settings.get("rekeylimit") or "").split()
    names = ("rekey_bytes", "rekey_seconds")
    return {
        name: word
        for name, word in zip(names, words, strict=False)
        if word.lower() not in ("0", "default", "none")
    }
