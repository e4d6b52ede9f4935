"""What is wrong with an ssh config file, or with what is to be written to one."""

from __future__ import annotations

from sshpyk_core.errors import SshpykError

__all__ = ["SshConfigError"]


class SshConfigError(SshpykError):
    """An ssh config file cannot be read or written, or would not say what is wanted."""
