"""A login and a logout for people."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sshpyk_core.cli.login.logging_in import LoggedIn
from sshpyk_core.cli.login.logging_out import LoggedOut
from sshpyk_core.cli.page import Page

__all__ = ["show_login", "show_logout"]

_INDENT = "  "


def show_login(page: Page, done: LoggedIn, word: str) -> None:
    """Say what holds now, and for how long.

    Args:
        page: where.
        done: the login.
        word: HOST or NAME as it was given.
    """
    host = done.target.alias
    if done.refusal is not None:
        _show_short_lived(page, done)
        return
    until = f"until it is lost or `sshpyk logout {word}`."
    if done.kept is not None and done.already:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(done.kept.since))
        page.marked("ok", f"{host}: logged in already, since {since}.")
        page.line(f"Kernels use this connection {until}", _INDENT)
    elif not done.questions:
        page.marked("ok", f"{host}: no login needed, nothing was asked.")
        if done.kept is not None:
            page.line(f"A connection is kept open all the same; kernels use it {until}", _INDENT)
    elif done.kept is not None:
        page.marked("ok", f"{host}: logged in. Kernels use this connection {until}")
    elif done.keyring is not None:
        page.marked("ok", f"{host}: logged in. The keyring ({done.keyring}) answers for kernels")
        page.line(f"until the answer changes or `sshpyk logout {word}`.", _INDENT)
    else:
        page.marked("ok", f"{host}: logged in. Kernels get in without a question now.")


def _show_short_lived(page: Page, done: LoggedIn) -> None:
    assert done.refusal is not None
    host = done.target.alias
    page.marked("error", f"{host}: this login was right, but the next one needs it again.")
    if done.keyring is None:
        page.line("No keyring is there to keep a password in.", _INDENT)
        page.line("Fix: pip install './sshpyk_core[keyring]', in a clone of sshpyk", _INDENT)
    else:
        page.line(
            f"The keyring ({done.keyring}) does not let anybody in there: it was not to keep the"
            " answer, or the host asks for one that is good only once.",
            _INDENT,
        )
    others = [name for name in done.keepers if name != done.target.transport]
    for name in others:
        page.line(
            f'Or: "transport": "{name}" in the kernel spec, which keeps a connection open.', _INDENT
        )
    page.line(f"It said: {done.refusal.answer}", _INDENT)


def show_logout(page: Page, done: LoggedOut) -> None:
    """Say what was ended and forgotten."""
    host = done.target.alias
    if done.unsure:
        page.marked("error", f"{host}: the keyring may still hold a login: {done.unsure}")
    did = []
    if done.ended:
        did.append("the connection that was kept open is closed")
    if done.forgotten:
        did.append(f"the keyring has forgotten {_listed(done.forgotten)}")
    if did:
        page.marked("ok", f"{host}: logged out: {'; '.join(did)}.")
    elif not done.unsure:
        page.marked("info", f"{host}: no login was kept, so there was none to end.")


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)
