"""The command line of ``sshpyk list``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sshpyk_core.cli.running import FAILED, run, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sshpyk_core.cli.listing.facts import Kernel
    from sshpyk_core.cli.listing.hosts import Limits
    from sshpyk_core.cli.listing.local import Selection
    from sshpyk_core.cli.status import LiveStatus

__all__ = ["list_kernels"]


@click.command("list")
@click.option("-r", "--remote", is_flag=True, help="Only kernels on other hosts.")
@click.option("-l", "--local", is_flag=True, help="Only kernels of this machine.")
@click.option("-n", "--no-check", is_flag=True, help="Connect to nothing.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, max=3600, min_open=True),
    default=30,
    show_default=True,
    metavar="S",
    help="Seconds that one host may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def list_kernels(remote: bool, local: bool, no_check: bool, timeout: float, as_json: bool) -> None:
    """Show all kernels, and whether those on other hosts can be had.

    Each host is connected to once, all of them at the same time, and nobody is asked for a
    password: a host that needs one is told of, with the command that logs in. Nothing is started
    on a host. What could not be checked, or was not, has a question mark.

    The exit status is 1 when a kernel of sshpyk has an error, else 0. Kernel specs of others do
    not count, even broken ones.

    \b
    Examples:
      sshpyk list
      sshpyk list --remote
      sshpyk list --no-check --local
      sshpyk list --remote --json | jq -r '.kernels[].name'

    \b
    The JSON object:
      kernels  list of objects whose kind is local, broken or ssh. A
               fact is an object with value, mark (ok, info, warning,
               error or unknown), cause and fix
      local   name, display_name, directory, command (a fact),
              language, interrupt_mode
      broken  name, file, reason, ours (is it one of sshpyk)
      ssh     name, display_name, language, file, command, alias,
              remote_interrupt_mode, launch_timeout and
              shutdown_timeout in seconds, remote_command (list);
              facts: config, interrupt_mode, transport, ssh,
              ssh_config (or null), way (why hops are not known;
              or null), connection, system, python, kernel;
              findings: list of mark, cause and fix;
              hops: list of alias, jump (true or false) and
              settings: list of keyword, value, mark, cause, fix
    """
    from sshpyk_core.cli.listing.hosts import Limits
    from sshpyk_core.cli.listing.local import select
    from sshpyk_core.kernelspecs import find_all

    both = local == remote
    selection = select(find_all(), local=local or both, remote=remote or both)
    limits = Limits(connect=not no_check, seconds=timeout)
    only_local = local and not remote
    work = _collected(selection, limits) if as_json else _shown(selection, limits, only_local)
    if run(work):
        sys.exit(FAILED)


async def _collected(selection: Selection, limits: Limits) -> bool:
    """Print all kernels as JSON; say whether one of ours has failed."""
    from sshpyk_core.cli.listing.as_json import facts_of
    from sshpyk_core.cli.status import LiveStatus

    with LiveStatus("Reading kernel specs") as status:
        kernels = [kernel async for kernel in _kernels(selection, limits, status)]
    say({"kernels": [facts_of(kernel) for kernel in kernels]})
    return any(kernel.failed for kernel in kernels)


async def _shown(selection: Selection, limits: Limits, only_local: bool) -> bool:
    """Print each kernel as soon as it and all before it are known; say whether one has failed."""
    from sshpyk_core.cli.listing.show import KernelPage
    from sshpyk_core.cli.status import LiveStatus

    page, failed, count = KernelPage(), False, 0
    with LiveStatus("Reading kernel specs") as status:
        async for kernel in _kernels(selection, limits, status):
            status.hide()
            page.kernel(kernel)
            status.show()
            failed, count = failed or kernel.failed, count + 1
    if not count:
        page.nothing("kernels")
    elif not (selection.ours or only_local):
        page.nothing("SSH kernels")
    return failed


async def _kernels(
    selection: Selection, limits: Limits, status: LiveStatus
) -> AsyncIterator[Kernel]:
    from sshpyk_core.cli.listing.hosts import looking_at
    from sshpyk_core.cli.listing.remote import hosts_of, misconfigured, ssh_kernel

    async with looking_at(hosts_of(selection.ours), limits, status) as reports:
        for local in selection.local:
            yield local
        for broken in selection.broken:
            yield broken
        for ours in selection.ours:
            if ours.config is None:
                yield misconfigured(ours)
            else:
                yield ssh_kernel(ours.spec, ours.config, await reports[ours.config.target])
