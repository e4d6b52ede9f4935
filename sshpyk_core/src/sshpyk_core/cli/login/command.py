"""The command lines of ``sshpyk login`` and ``sshpyk logout``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sshpyk_core.cli.completing import complete_host_or_name
from sshpyk_core.cli.running import FAILED, run, say
from sshpyk_core.cli.target_flags import TargetFlags, target_flags

if TYPE_CHECKING:
    from sshpyk_core.cli.login.logging_in import LoggedIn
    from sshpyk_core.cli.login.logging_out import LoggedOut
    from sshpyk_core.types import Target

__all__ = ["login", "logout"]


@click.command("login")
@click.argument("where", metavar="HOST|NAME", shell_complete=complete_host_or_name)
@click.option("--no-keep", is_flag=True, help="Keep no connection open.")
@target_flags
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def login(where: str, no_keep: bool, flags: TargetFlags, as_json: bool) -> None:
    """Log in to a host once, for all kernels there.

    Asks what the host asks: whether its key may be trusted, a password, a passphrase, a code. Then
    the transport keeps the connection open for kernels, of a Jupyter server too, if it can; the
    others leave it to the system's keyring, where you agree. At the end a second login, with nobody
    to ask, shows whether that holds.

    The exit status is 0 when later kernels get in without a question, else 1.

    \b
    Examples:
      sshpyk login gpu-box
      sshpyk login gpu-box --transport asyncssh
      sshpyk login my-kernel --json

    \b
    The JSON object:
      lasting    whether the exit status is 0
      logins     list, one for each target that HOST or NAME stands for:
        host, transport
        lasting    whether later kernels get in without a question
        kept_open  whether a connection is kept open for them
        since      since when, in seconds since the epoch, or null
        already    whether it was open before
        questions  how many you have answered
        keyring    the name of the system's keyring, or null
        refusal    what the next login was told, or null
    """
    from sshpyk_core.cli.login.where import targets_of

    done = run(_log_in(targets_of(where, flags), keep=not no_keep))
    if as_json:
        from sshpyk_core.cli.login.as_json import logins

        say(logins(done))
    else:
        from sshpyk_core.cli.login.show import show_login
        from sshpyk_core.cli.page import Page

        page = Page()
        for each in done:
            show_login(page, each, where)
    sys.exit(0 if all(each.lasts for each in done) else FAILED)


async def _log_in(targets: list[Target], *, keep: bool) -> list[LoggedIn]:
    from sshpyk_core.cli.login.logging_in import log_in
    from sshpyk_core.cli.status import LiveStatus
    from sshpyk_core.prompting.person import find_person

    with LiveStatus("Logging in ...") as status:
        return [await log_in(each, find_person(), status, keep=keep) for each in targets]


@click.command("logout")
@click.argument("where", metavar="HOST|NAME", shell_complete=complete_host_or_name)
@target_flags
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def logout(where: str, flags: TargetFlags, as_json: bool) -> None:
    """End what `sshpyk login` has kept of a login.

    Closes the connection that is kept open, with what runs over it: kernels live on, and are
    reached again after the next login. Removes the host's passwords, and the passphrases of the
    keys that it would be shown, from the keyring. A control master of your own stays open.

    The exit status is 0 also where there was nothing to end, and 1 when the keyring may still hold
    something.

    \b
    Examples:
      sshpyk logout gpu-box
      sshpyk logout my-kernel --json

    \b
    The JSON object:
      sure       whether the exit status is 0
      logouts    list, one for each target that HOST or NAME stands for:
        host, transport
        ended      whether a connection was kept open
        forgotten  list of what was removed from the keyring
        unsure     why the keyring may hold something yet, or null
    """
    from sshpyk_core.cli.login.where import targets_of

    done = run(_log_out(targets_of(where, flags)))
    if as_json:
        from sshpyk_core.cli.login.as_json import logouts

        say(logouts(done))
    else:
        from sshpyk_core.cli.login.show import show_logout
        from sshpyk_core.cli.page import Page

        page = Page()
        for each in done:
            show_logout(page, each)
    sys.exit(FAILED if any(each.unsure for each in done) else 0)


async def _log_out(targets: list[Target]) -> list[LoggedOut]:
    from sshpyk_core.cli.login.logging_out import log_out

    return [await log_out(each) for each in targets]
