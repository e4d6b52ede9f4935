"""The Python API for programs without an event loop: the same verbs, and each waits.

.. code-block:: python

    from sshpyk_core.api.sync import connect

    with connect("lab") as host:
        kernel = host.start("python3")
        print(kernel.run("print(6 * 7)").text)

They may be called on any thread, also where an event loop runs, which then stands still. Ctrl+C
interrupts the code that one waits for.
"""

from __future__ import annotations

from sshpyk_core.api import kernel as kernel_api
from sshpyk_core.api import remote as remote_api
from sshpyk_core.api.blocking import Blocking, Reading, entering, iterating, waiting, wrapping

__all__ = ["Kernel", "RemoteHost", "connect"]


class Kernel(Blocking[kernel_api.Kernel]):
    """A kernel that this program holds, as :class:`sshpyk_core.api.Kernel`; each verb waits."""

    id: Reading[kernel_api.Kernel, str] = Reading(lambda kernel: kernel.id)
    name: Reading[kernel_api.Kernel, str] = Reading(lambda kernel: kernel.name)
    host: Reading[kernel_api.Kernel, str] = Reading(lambda kernel: kernel.host)
    returncode: Reading[kernel_api.Kernel, int | None] = Reading(lambda kernel: kernel.returncode)

    run = waiting(kernel_api.Kernel.run)
    stream = iterating(kernel_api.Kernel.stream)
    begin = waiting(kernel_api.Kernel.begin)
    missed = iterating(kernel_api.Kernel.missed)
    interrupt = waiting(kernel_api.Kernel.interrupt)
    restart = waiting(kernel_api.Kernel.restart)
    wait = waiting(kernel_api.Kernel.wait)
    leave = waiting(kernel_api.Kernel.leave)
    stop = waiting(kernel_api.Kernel.stop)
    close = waiting(kernel_api.Kernel.aclose)

    def __enter__(self) -> Kernel:
        """Give the kernel."""
        return self

    def __exit__(self, *error: object) -> None:
        """Leave it or stop it, see :meth:`close`."""
        self.close()


class RemoteHost(Blocking[remote_api.RemoteHost]):
    """A host that one is connected to, as :class:`sshpyk_core.api.RemoteHost`; each verb waits."""

    alias: Reading[remote_api.RemoteHost, str] = Reading(lambda host: host.alias)

    kernels = waiting(remote_api.RemoteHost.kernels)
    kernel_specs = waiting(remote_api.RemoteHost.kernel_specs)
    start = wrapping(remote_api.RemoteHost.start, Kernel)
    attach = wrapping(remote_api.RemoteHost.attach, Kernel)
    stop = waiting(remote_api.RemoteHost.stop)
    close = waiting(remote_api.RemoteHost.aclose)


connect = entering(remote_api.connect, RemoteHost)
