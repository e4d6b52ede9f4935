"""The command line of ``sshpyk transports``."""

from __future__ import annotations

import contextlib
import sys

import click

__all__ = ["transports"]


@click.command("transports")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def transports(as_json: bool) -> None:
    """Show the installed transports, and whether they work here.

    For each: where it comes from, what it can do, its options; or why it cannot be used, and what
    to do. Imports every transport and every plugin that wraps them; connects to nothing.

    The exit status is 0 when there is a transport and all that is installed can be used, else 1.

    \b
    Examples:
      sshpyk transports
      sshpyk transports --json
      sshpyk transports > /dev/null && jupyter lab

    \b
    The JSON object:
      usable        whether the exit status is 0
      transports    list, sorted by name, of:
        name, distribution, version, module
        usable        true or false
        problem       null, or an object with cause and fix
        capabilities  list of words; null when it cannot be loaded
        options       list of objects with name, takes, default and
                      help; null when it cannot be loaded
      plugins       list, sorted by name, of those that wrap every
                    transport: name, distribution, version, module,
                    usable, problem
    """
    from sshpyk_core.cli.transports.inventory import take_inventory

    with contextlib.redirect_stdout(sys.stderr):  # whatever a plugin prints when it is imported
        inventory = take_inventory()
    if as_json:
        from sshpyk_core.cli.transports.as_json import text

        click.echo(text(inventory))
    else:
        from sshpyk_core.cli.transports.show import show

        show(inventory)
    sys.exit(0 if inventory.usable else 1)
