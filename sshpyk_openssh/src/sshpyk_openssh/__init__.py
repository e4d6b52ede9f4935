"""The OpenSSH transport of sshpyk: the system's own ``ssh`` program carries every session."""

from __future__ import annotations

__version__ = "2.0.0.dev0"
