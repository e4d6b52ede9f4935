"""What plugin authors and our own tests need to try a transport.

A real SSH server on loopback (``embedded_server``), a relay that fails as networks do (``relay``:
``Relay`` and ``Line``), and every behaviour of every hook as tests (``conformance``).

Nothing here is imported when a kernel runs. The extra ``testing`` of ``sshpyk-core`` installs what
these modules need.
"""
