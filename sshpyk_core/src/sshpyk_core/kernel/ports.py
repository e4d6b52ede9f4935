"""The ports here that belong to a kernel: five for its clients, others for dashboards."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import LinkLostError, SshpykError
from sshpyk_core.host import Host
from sshpyk_core.kernel.launch_request import LocalPlace
from sshpyk_core.link.forwards import Forwards, Wanted, of_kernel
from sshpyk_core.link.listeners import Listeners
from sshpyk_core.link.stream import StreamOwner
from sshpyk_core.port_forward import PortForward, not_here
from sshpyk_core.remote.wire import PORTS
from sshpyk_core.this_machine import is_this_machine
from sshpyk_core.types import Address, TcpAddress

__all__ = ["KernelPorts"]


class KernelPorts:
    """Bound at the first start, and the same over restarts and lost connections."""

    def __init__(self, config: KernelConfig, logger: logging.Logger | Any) -> None:
        """Bind nothing yet.

        Args:
            config: says how the five come here, and which others are wanted.
            logger: where the user sees what was bound, and warnings.
        """
        self.address = ""
        self._config = config
        self._log = logger
        self._listeners: Listeners | None = None
        self._five: Forwards | None = None
        self._wishes = config.port_forwards
        self._others: Forwards | None = None
        self._told: set[PortForward] = set()
        self._forwarding = False

    @property
    def bound(self) -> bool:
        """Whether the clients' ports are kept already."""
        return self._listeners is not None

    @property
    def five(self) -> dict[str, int]:
        """The clients' ports by name."""
        if self._listeners is not None:
            return self._listeners.ports
        return dict(zip(PORTS, self._five.ports, strict=True)) if self._five is not None else {}

    async def listen(self, place: LocalPlace, kernel: StreamOwner) -> None:
        """Listen for clients before the kernel starts, where they come over the link.

        Raises:
            SshpykError: a wanted port is taken.
        """
        self.address = place.ip
        if self._config.channels == "relay":
            self._listeners = self._listeners or Listeners(place.ip, place.wanted_ports)
            await self._listeners.serve(kernel)

    async def lead_to(self, host: Host, place: LocalPlace, remote: Mapping[str, int]) -> None:
        """Forward what is to be forwarded, now that the kernel runs.

        The others are no reason to wait, or for a start to fail.

        Args:
            host: where it runs.
            place: names the ports that the five must have here.
            remote: its ports by name.

        Raises:
            ForwardError: one of the five cannot be forwarded.
        """
        self._forwarding = False
        if self._config.channels == "forward":
            wanted = self.five or place.wanted_ports
            if self._five is not None:
                await self._five.aclose()
            self._five = of_kernel(place.ip, wanted, remote)
            await self._five.open(host.forward)
        if self._others is None:
            here = host.hello is not None and is_this_machine(host.hello)
            wanted_here = [(each.listen(this_machine=here), each) for each in self._wishes]
            self._others = Forwards([Wanted(at, each.destination) for at, each in wanted_here])
        self._others.begin(host.forward, self._tell)
        self._forwarding = True

    def reattached(self, host: Host) -> None:
        """Open the forwards again, which do not outlive a connection."""
        if not self._forwarding:
            return
        if self._five is not None:
            self._five.begin(host.forward, self._tell_of_five)
        if self._others is not None:
            self._others.begin(host.forward, self._tell)

    def unbind(self) -> None:
        """Listen for no clients of the link any more."""
        if self._listeners is not None:
            self._listeners.close()
            self._listeners = None

    async def aclose(self) -> None:
        """Close all; a connection that comes back meanwhile opens nothing again."""
        self._forwarding = False
        self.unbind()
        if self._five is not None:
            await self._five.aclose()
            self._five = None
        if self._others is not None:
            await self._others.aclose()

    # --- what the user is told ---------------------------------------------------------------

    def _tell_of_five(self, _number: int, outcome: Address | SshpykError) -> None:
        if isinstance(outcome, SshpykError):
            self._log.warning("%s", outcome)

    def _tell(self, number: int, outcome: Address | SshpykError) -> None:
        """Tell of an address, or why there is none."""
        wish = self._wishes[number]
        alias, kernel = self._config.ssh_host_alias, self._config.remote_kernel_name
        if isinstance(outcome, LinkLostError):
            self._log.debug("%s", outcome)  # the next connection brings it along
        elif isinstance(outcome, SshpykError):
            said = not_here(outcome, alias, wish)
            self._log.warning("%s\nThe kernel %s runs without it.", said, kernel)
        elif wish in self._told:
            self._log.info("%s: http://%s/ here is back", alias, outcome)
        else:
            self._told.add(wish)
            other = self._is_other(wish, outcome)
            self._log.log(
                logging.WARNING if other else logging.INFO,
                "%s: http://%s/ here is %s while the kernel %s runs",
                alias,
                outcome,
                wish.there(alias),
                kernel,
            )

    @staticmethod
    def _is_other(wish: PortForward, bound: Address) -> bool:
        """Say whether the user could not know this address."""
        return isinstance(bound, TcpAddress) and bound.port != wish.listen()[0].port
