"""The command line of ``sshpyk forward``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from sshpyk_core.cli.completing import complete_host_or_name
from sshpyk_core.cli.target_flags import TargetFlags, target_flags

if TYPE_CHECKING:
    from sshpyk_core.port_forward import PortForward

__all__ = ["forward"]


@click.command("forward")
@click.argument("host", metavar="HOST|NAME", shell_complete=complete_host_or_name)
@click.argument("ports", metavar="PORT...", nargs=-1, required=True)
@click.option("--open", "browse", is_flag=True, help="Open each address in the browser.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object once all ports are there."
)
@target_flags
def forward(
    host: str, ports: tuple[str, ...], browse: bool, as_json: bool, flags: TargetFlags
) -> None:
    """Have ports of a host on this machine while this runs.

    For dashboards, such as those of Dask, TensorBoard and Ray. Only programs of this machine can
    connect, at 127.0.0.1. A lost connection is made anew, and the addresses stay. Ctrl+C ends it.
    The key `forward` of a kernel spec does the same while its kernel runs.

    \b
    PORT is one of:
      PORT             that port of the host, at the same number here,
                       or at any other when that is taken
      LOCAL:PORT       the same, at the port LOCAL here
      LOCAL:HOST:PORT  a port of another machine that the host reaches
      LOCAL:/PATH      a unix socket of the host

    \b
    Examples:
      sshpyk forward gpu-box 8787
      sshpyk forward gpu-box 6006 8265 --open
      sshpyk forward cluster 8787:node7:8787
      sshpyk forward gpu-box 8888:/run/user/1000/app.sock

    The exit status is 0 when Ctrl+C has ended it, and 1 when the ports cannot be had, or a new
    login is needed.

    \b
    The JSON object:
      host      the host's alias
      forwards  list, in the order of the command line, of:
        url      the address here, for a browser
        address  127.0.0.1
        port     its port here
        leads_to what is there, in words
        answers  whether something listened there at first
    """
    from sshpyk_core.cli.destinations import destination
    from sshpyk_core.cli.forward.keeping import forward_until_stopped
    from sshpyk_core.cli.forward.told import Told
    from sshpyk_core.cli.running import run

    wishes = _wishes(ports)
    where = destination(host, flags)
    told = Told(where.target.alias, wishes, as_json=as_json, browse=browse)
    run(forward_until_stopped(where.config, wishes, told))


def _wishes(written: Sequence[str]) -> list[PortForward]:
    from sshpyk_core.port_forward import FORMS, PortForward

    try:
        wishes = [PortForward.parse(each) for each in dict.fromkeys(written)]
    except ValueError as error:
        raise click.BadParameter(f"{error}. It is {FORMS}.", param_hint="PORT") from error
    here = [each.local for each in wishes if each.local is not None]
    for local in here:
        if here.count(local) > 1:
            said = f"the port {local} here is wanted twice."
            raise click.BadParameter(said, param_hint="PORT")
    return wishes
