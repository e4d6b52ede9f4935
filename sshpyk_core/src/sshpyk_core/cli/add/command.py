"""The command line of ``sshpyk add``."""

from __future__ import annotations

from typing import Any

import click

from sshpyk_core.cli.completing import complete_host
from sshpyk_core.cli.spec_flags import SpecFlags, spec_flags

__all__ = ["add"]

_JSON = """
\b
The JSON object:
  host               the alias
  checked            false when the host could not be asked
  cut_short          true when it has more than was looked at
  kernels            list of: name, display_name, language,
                     environment, remote_python,
                     remote_kernel_name, status and directory, which
                     is null when there is no kernel spec.
                     status is "added", "already there" or
                     "not chosen"; with --dry-run "new",
                     "already there", "other settings" or
                     "name taken"
  without_ipykernel  list of: executable, environment, kind,
                     version and install, a command or null
  problems           list of what is of no use: path and cause
"""


@click.command("add", epilog=_JSON)
@click.argument("host", required=False, shell_complete=complete_host)
@spec_flags
@click.option("--kernel-name", metavar="NAME", help="The new kernel spec's own name.")
@click.option("--replace", is_flag=True, help="Write anew what is there already, if it is ours.")
@click.option("--all", "every", is_flag=True, help="Add all kernels that fit, without a question.")
@click.option(
    "--install-ipykernel",
    "install",
    is_flag=True,
    help="Install ipykernel where it is missing, then add.",
)
@click.option("--user", is_flag=True, help="Write below your Jupyter data directory (default).")
@click.option("--sys-prefix", is_flag=True, help="Write into the environment that runs sshpyk.")
@click.option("--prefix", metavar="DIR", help="Write into another environment.")
@click.option("--dry-run", is_flag=True, help="Look at the host and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and ask nothing.")
def add(
    host: str | None,
    wanted: SpecFlags,
    kernel_name: str | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Add the kernels of a host to those of this machine.

    Connects to HOST, finds the kernels there, lets you choose, and writes a kernel spec for each.
    Nothing is asked about kernels without a terminal, with --json, with --all and with
    --remote-kernel-name: all that fit are added. --remote-python leaves those of one interpreter.

    With --remote-python, --remote-kernel-name, --language and --display-name the kernel spec is
    written also when the host cannot be reached. Nobody is asked for a password then, and the host
    is waited for no longer than --launch-timeout.

    The exit status is 0 when all that was chosen is there, also when none was chosen; 1 when there
    is no kernel or something failed.

    \b
    Examples:
      sshpyk add gpu-box
      sshpyk add gpu-box --all
      sshpyk add gpu-box --remote-python '~/venvs/work/bin/python'
      sshpyk add gpu-box --remote-kernel-name ir --kernel-name gpu-r
      sshpyk add gpu-box --install-ipykernel --remote-python \\
          /home/me/venvs/work/bin/python
      sshpyk add gpu-box --dry-run --json
    """
    from sshpyk_core.cli.add import adding
    from sshpyk_core.cli.add.request import Choices, Folder, understood
    from sshpyk_core.cli.running import is_interactive, say

    alias = _the_one(host, wanted.config.get("ssh_host_alias"))
    if how["dry_run"] and how["install"]:
        raise click.UsageError("--dry-run and --install-ipykernel exclude each other.")
    folder = Folder.wanted(**_place(how))
    choices = Choices(**how, may_ask=is_interactive() and not as_json)
    outcome = adding.add(understood(alias, wanted, kernel_name, folder, choices))
    if as_json:
        from sshpyk_core.cli.add.as_json import as_json as told

        say(told(outcome))
    else:
        from sshpyk_core.cli.add.show import show

        show(outcome)


def _place(how: dict[str, Any]) -> dict[str, Any]:
    """Take out of the flags those that say where to write, of which one may be given."""
    place = {name: how.pop(name) for name in ("sys_prefix", "prefix")}
    if [how.pop("user"), place["sys_prefix"], place["prefix"] is not None].count(True) > 1:
        raise click.UsageError("--user, --sys-prefix and --prefix exclude each other.")
    return place


def _the_one(host: str | None, alias: str | None) -> str:
    """Give the host, which an argument or a flag names."""
    if host is None and alias is None:
        raise click.UsageError("Which host? Give HOST, as `ssh` takes it.")
    if host is not None and alias is not None and host != alias:
        raise click.UsageError(f"HOST is {host} and --ssh-host-alias is {alias}: which?")
    return str(host if host is not None else alias)
