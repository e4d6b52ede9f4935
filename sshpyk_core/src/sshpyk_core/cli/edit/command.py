"""The command line of ``sshpyk edit``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from sshpyk_core.cli.completing import complete_key, complete_name
from sshpyk_core.cli.running import say
from sshpyk_core.cli.spec_flags import SpecFlags, spec_flags

if TYPE_CHECKING:
    from sshpyk_core.cli.spec_changes import Change
    from sshpyk_core.kernelspecs import LocalSpec

__all__ = ["edit"]


@click.command("edit")
@click.argument("name", required=False, shell_complete=complete_name)
@click.option("--kernel-name", metavar="NAME", help="The same as NAME, as sshpyk 1.x had it.")
@spec_flags
@click.option(
    "--unset",
    metavar="KEY",
    multiple=True,
    shell_complete=complete_key,
    help="Take a key out, or one member: env.NAME; may be repeated.",
)
@click.option("--editor", is_flag=True, help="Edit a copy of the kernel.json in your editor.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def edit(
    name: str | None,
    kernel_name: str | None,
    wanted: SpecFlags,
    unset: tuple[str, ...],
    **how: bool,
) -> None:
    """Change what a kernel spec of sshpyk says.

    What no flag names stays as it is. --env and --transport-option set one member each and leave
    the others; --unset takes out a key (--unset env: all variables) or a member, before the other
    flags set anything. The result is checked and then written at once, or not at all. No host is
    asked. Kernels that run keep what they were started with.

    \b
    Examples:
      sshpyk edit lab-python --remote-cwd '~/projects'
      sshpyk edit lab-python --env OMP_NUM_THREADS=8 --unset env.DEBUG
      sshpyk edit lab-python --unset transport_options --transport asyncssh
      sshpyk edit lab-python --editor

    \b
    The JSON object:
      name      of the kernel spec
      file      its kernel.json
      changed   whether anything was written
      changes   list of objects with key, old and new; null for what is
                not set, and never the value of a variable
    """
    chosen = _chosen(name, kernel_name)
    if (bool(unset) or wanted != SpecFlags()) == how["editor"]:
        raise click.UsageError("Say what to change with flags, or use --editor, not both.")
    if wanted.display_name is not None and not wanted.display_name.strip():
        raise click.UsageError("--display-name is empty.")

    from sshpyk_core.cli.edit.by_hand import edited_by_hand
    from sshpyk_core.cli.edit.changing import changed
    from sshpyk_core.cli.spec_changes import changes_between
    from sshpyk_core.kernelspecs import find_ours, rewrite

    spec = find_ours(chosen)
    content = edited_by_hand(spec) if how["editor"] else changed(spec, wanted, unset)
    differs = content != spec.content
    changes = changes_between(spec.content, content)
    if differs:
        rewrite(spec, content)
    (_say if how["as_json"] else _show)(spec, changes, differs)


def _chosen(name: str | None, kernel_name: str | None) -> str:
    """Give the one name that was given, be it twice."""
    if name and kernel_name and name.lower() != kernel_name.lower():
        raise click.UsageError("NAME and --kernel-name are different.")
    chosen = name or kernel_name
    if not chosen:
        raise click.UsageError("Say which kernel spec: sshpyk edit NAME.")
    return chosen


def _say(spec: LocalSpec, changes: list[Change], differs: bool) -> None:
    told = [dataclasses.asdict(each) for each in changes]
    say({"name": spec.name, "file": str(spec.file), "changed": differs, "changes": told})


def _show(spec: LocalSpec, changes: list[Change], differs: bool) -> None:
    from sshpyk_core.cli.page import Page
    from sshpyk_core.cli.spec_changes import show_changes

    page = Page()
    if not differs:
        page.marked("info", f"{spec.name}: nothing has changed. It is in {spec.file}")
        return
    page.marked("ok", f"{spec.name}: changed in {spec.file}")
    show_changes(page, changes)
