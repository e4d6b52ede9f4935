"""``python -m sshpyk_core.kernel_app``, as the kernel specs that we write start it."""

from __future__ import annotations

from sshpyk_core.kernel_app.app import main

if __name__ == "__main__":
    main()
