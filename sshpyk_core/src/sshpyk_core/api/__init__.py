"""Kernels on other machines for programs: connect, start, run code, leave, come back.

.. code-block:: python

    from sshpyk_core.api import connect

    async with connect("lab") as host:
        kernel = await host.start("python3")
        result = await kernel.run("print(6 * 7)")
        print(result.text)

:mod:`sshpyk_core.api.sync` has the same verbs for programs without an event loop.
"""

from __future__ import annotations

from sshpyk_core.api.kernel import Kernel
from sshpyk_core.api.remote import RemoteHost, connect
from sshpyk_core.api.values import CodeError, KernelInfo, Message, Output, Result
from sshpyk_core.survey import RemoteKernel

__all__ = [
    "CodeError",
    "Kernel",
    "KernelInfo",
    "Message",
    "Output",
    "RemoteHost",
    "RemoteKernel",
    "Result",
    "connect",
]
