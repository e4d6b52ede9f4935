"""``sshpyk-kernel``; ``python -m sshpyk_core.kernel_app`` in the specs that we write."""

from __future__ import annotations

import sys

__all__ = ["main"]

INTERRUPTED = 130


def main() -> None:
    """Run the program; Ctrl+C may come before it knows what that means for a kernel."""
    try:
        from sshpyk_core.kernel_app.app import SSHKernelApp

        SSHKernelApp.launch_instance()
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
