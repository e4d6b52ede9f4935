"""What ``sshpyk forward`` says: addresses on standard output, all else on standard error."""

from __future__ import annotations

import sys
import threading
import webbrowser
from collections.abc import Sequence
from typing import Any

from sshpyk_core.cli.page import Page
from sshpyk_core.cli.running import say
from sshpyk_core.port_forward import LOOPBACK, PortForward

__all__ = ["Told"]


class Told:
    """Tells people and programs.

    Args:
        alias: of the host.
        wishes: what is forwarded.
        as_json: tell programs.
        browse: open the addresses in the browser.
    """

    def __init__(
        self, alias: str, wishes: Sequence[PortForward], *, as_json: bool, browse: bool
    ) -> None:
        """Say nothing yet."""
        self.alias = alias
        self._wishes = wishes
        self._as_json = as_json
        self._browse = browse
        self._aside = Page(stderr=True)

    def ready(self, ports: Sequence[int], silent: frozenset[PortForward]) -> None:
        """Tell the addresses.

        Args:
            ports: here, for each that is forwarded.
            silent: those where nothing listens yet.
        """
        if self._as_json:
            forwards = [
                self._fact(wish, port, wish not in silent)
                for wish, port in zip(self._wishes, ports, strict=True)
            ]
            say({"host": self.alias, "forwards": forwards})
        else:
            page = Page()
            for wish, port in zip(self._wishes, ports, strict=True):
                page.line(f"{_url(port)}  ->  {wish.there(self.alias)}")
        for wish in self._wishes:
            if wish in silent:
                self._aside.line(f"Nothing listens at {wish.there(self.alias)} yet.")
        if sys.stderr.isatty():
            self._aside.line("Ctrl+C ends this.")
        if self._browse:
            urls = [_url(port) for port in ports]
            # Some browsers return only when they are closed, and none is waited for.
            threading.Thread(target=self._open, args=(urls,), daemon=True).start()

    def _fact(self, wish: PortForward, port: int, answers: bool) -> dict[str, Any]:
        return {
            "url": _url(port),
            "address": LOOPBACK,
            "port": port,
            "leads_to": wish.there(self.alias),
            "answers": answers,
        }

    def _open(self, urls: Sequence[str]) -> None:
        for url in urls:
            if not webbrowser.open(url):
                self._aside.line(f"No browser could be opened for {url}.")

    def lost(self, reason: str) -> None:
        """Tell that the connection is lost."""
        self._aside.line(f"{self.alias}: connection lost ({reason}); connecting again")

    def failed(self, error: Exception) -> None:
        """Tell why it is not back."""
        for line in str(error).splitlines():
            self._aside.line(line)

    def back(self, seconds: float) -> None:
        """Tell that the connection is back."""
        words = f"{self.alias}: connected again after {seconds:.1f} s, the addresses are the same"
        self._aside.line(words)


def _url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}/"
