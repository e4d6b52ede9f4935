"""``sshpyk delete``: removes kernel specs of ours."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from sshpyk_core.cli.completing import complete_name
from sshpyk_core.cli.running import FAILED, check_terminal, go_on, say
from sshpyk_core.errors import LocalSpecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sshpyk_core.kernelspecs import LocalSpec

__all__ = ["delete"]


@click.command("delete")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_name)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def delete(names: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Remove kernel specs of sshpyk.

    Asks once for all of them. Those of other tools are left alone; if any name is wrong, nothing is
    removed. Only the kernel specs of this machine go: nothing changes on a host, and kernels that
    run go on running.

    The exit status is 0 when all of them are gone, else 1.

    \b
    Examples:
      sshpyk delete lab-python
      sshpyk delete -y lab-python lab-r

    \b
    The JSON object:
      removed   list of objects with name and directory
      failed    the same, and problem: why it is still there
    """
    specs = _all_of(names)
    if not yes:
        _ask(specs)
    failed = {spec.name: problem for spec in specs if (problem := _removed(spec))}
    if as_json:
        say(_facts(specs, failed))
    else:
        _show(specs, failed)
    sys.exit(FAILED if failed else 0)


def _all_of(names: Sequence[str]) -> list[LocalSpec]:
    """Find every kernel spec that is named, once each; tell of all wrong names together."""
    from sshpyk_core.kernelspecs import find_ours

    found: dict[str, LocalSpec] = {}
    problems = []
    for name in dict.fromkeys(name.lower() for name in names):
        try:
            found[name] = find_ours(name)
        except LocalSpecError as error:
            problems.append(str(error))
    if problems:
        raise LocalSpecError("\n".join([*problems, "Nothing was removed."]))
    return list(found.values())


def _ask(specs: Sequence[LocalSpec]) -> None:
    """Go on only when somebody agrees."""
    check_terminal("say -y to remove without asking")
    from sshpyk_core.cli.page import Page

    page = Page(stderr=True)
    for spec in specs:
        page.line(f"{spec.name}  {spec.display_name}", "  ", "bold")
        page.line(str(spec.directory), "    ")
    many = f"these {len(specs)} kernel specs" if len(specs) > 1 else "this kernel spec"
    go_on(f"Remove {many}?", "Nothing was removed.")


def _removed(spec: LocalSpec) -> str:
    """Remove one; say why it could not be done, or nothing."""
    from sshpyk_core.kernelspecs import remove

    try:
        remove(spec)
    except LocalSpecError as error:
        return str(error)
    return ""


def _facts(specs: Sequence[LocalSpec], failed: dict[str, str]) -> dict[str, Any]:
    places = {spec.name: {"name": spec.name, "directory": str(spec.directory)} for spec in specs}
    return {
        "removed": [place for name, place in places.items() if name not in failed],
        "failed": [{**places[name], "problem": problem} for name, problem in failed.items()],
    }


def _show(specs: Sequence[LocalSpec], failed: dict[str, str]) -> None:
    from sshpyk_core.cli.page import Page
    from sshpyk_core.kernelspecs import find_all

    page, errors = Page(), Page(stderr=True)
    others = {spec.name: spec.directory for spec in find_all()}
    for spec in specs:
        if spec.name in failed:
            errors.marked("error", failed[spec.name])
            continue
        page.marked("ok", f"{spec.name} is removed.")
        if spec.name in others:  # it stood before one in a directory that Jupyter reads later
            page.marked("info", f"{spec.name} is now the one in {others[spec.name]}")
