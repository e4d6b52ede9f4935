"""Dashboards: small HTTP servers of a host, asked through the ports that lead to them."""

from __future__ import annotations

import re
import socket
import urllib.request

__all__ = ["PATIENCE", "answers", "dashboard", "is_closed", "url_in"]

PATIENCE = 30

_DASHBOARD = """
import functools, http.server, os, threading
os.makedirs("pages", exist_ok=True)
open("pages/index.html", "w").write({page!r})
at = functools.partial(http.server.SimpleHTTPRequestHandler, directory="pages")
at.log_message = lambda *words: None
http.server.ThreadingHTTPServer.daemon_threads = True
server = http.server.ThreadingHTTPServer(("127.0.0.1", {port}), at)
threading.Thread(target=server.serve_forever, daemon=True).start()
"""


def dashboard(port: int, page: str) -> str:
    """Give code for a kernel: it serves a page at a port of 127.0.0.1 from then on."""
    return _DASHBOARD.format(port=port, page=page)


def url_in(said: str) -> str:
    """Give the address that a text names."""
    found = re.search(r"http://127\.0\.0\.1:\d+/", said)
    assert found is not None, said
    return found[0]


def answers(url: str) -> str | None:
    """Give the page; None when the connection is closed without one."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as page:
            text: str = page.read().decode()
            return text
    except OSError:
        return None


def is_closed(url: str) -> bool:
    """Say whether nobody listens at the port of an address."""
    port = int(url.rstrip("/").rpartition(":")[2])
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
