"""The command line of ``sshpyk config``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sshpyk_core.cli.completing import complete_host
from sshpyk_core.cli.running import check_terminal, go_on, run, say

if TYPE_CHECKING:
    from pathlib import Path

    from sshpyk_core.cli.ssh_entry.proposal import Proposal

__all__ = ["config"]


@click.command("config")
@click.argument("host", shell_complete=complete_host)
@click.option("--hostname", metavar="NAME", help="Where the host is: its name or address.")
@click.option("--user", metavar="NAME", help="Whom to log in as.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Of its SSH server.")
@click.option("--identity-file", metavar="FILE", help="Your private key for it.")
@click.option("--proxy-jump", metavar="HOSTS", help="The hosts on the way, as `ssh -J` has them.")
@click.option("--ssh-config", metavar="FILE", help="The file; ~/.ssh/config if not given.")
@click.option("--write", is_flag=True, help="Write the entry to the file, and keep a copy of it.")
@click.option("-y", "--yes", is_flag=True, help="Write without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def config(host: str, **given: Any) -> None:
    """Suggest an entry of the ssh config for a host.

    sshpyk demands nothing of your ssh config: a host that `ssh` can use is enough. This is for
    comfort: a sign of life now and then, and one login for all. Each line comes with its reason.
    What your ssh config decides already is left alone and told; other entries are never touched.
    Connects to nothing.

    Prints the entry and writes nothing. With --write it goes into the file, before the first entry
    that is for all hosts, since the first value counts; ssh must accept the result. It asks first.
    The old file stays beside it as config.bak-NUMBER.

    \b
    Examples:
      sshpyk config lab --hostname lab.example.org --user ada
      sshpyk config lab --proxy-jump gate --write
      sshpyk config lab >> ~/.ssh/config.d/lab

    \b
    The JSON object:
      host, file
      has_entry   whether the file has an entry for the host
      settings    what is worth adding: list of objects with keyword,
                  value and why
      left_alone  what stays: the same, value as it is now
      entry       the text; empty when there is nothing to add
      written     whether it was written to the file
      copy        the copy that was kept of the file, or null
    """
    from pathlib import Path

    from sshpyk_core.cli.ssh_entry.proposal import propose
    from sshpyk_core.cli.ssh_entry.wanted import Wanted, checked_host

    write, yes, as_json = (given.pop(name) for name in ("write", "yes", "as_json"))
    file = Path(given.pop("ssh_config") or "~/.ssh/config").expanduser().absolute()
    proposal = run(propose(checked_host(host), file, Wanted(**given)))
    copy = _written(proposal, yes=yes, quiet=as_json) if write and proposal.entry else None
    _tell(proposal, copy, written=bool(write and proposal.entry), as_json=as_json)


def _written(proposal: Proposal, *, yes: bool, quiet: bool) -> Path | None:
    """Write the entry when somebody agrees; give the copy of what was there."""
    from sshpyk_core.cli.ssh_entry.show import show_difference
    from sshpyk_core.cli.ssh_entry.writing import check_writable, write

    check_writable(proposal.file)
    if not yes:
        check_terminal("say -y to write without asking")
    if not (yes and quiet):
        show_difference(proposal)
    if not yes:
        go_on(f"Write this to {proposal.file}?", "Nothing was written.")
    return write(proposal)


def _tell(proposal: Proposal, copy: Path | None, *, written: bool, as_json: bool) -> None:
    from sshpyk_core.cli.page import Page
    from sshpyk_core.cli.ssh_entry.show import facts, show

    if as_json:
        say(facts(proposal, written=written, copy=copy))
    elif written:
        page = Page()
        page.marked("ok", f"{proposal.host} is written to {proposal.file}")
        if copy is not None:
            page.line(f"The old file is kept as {copy}", "  ")
    else:
        show(proposal)
