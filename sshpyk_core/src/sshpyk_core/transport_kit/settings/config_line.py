"""One line of an ssh_config(5) file: its keyword, its words, and whether ssh would take them."""

from __future__ import annotations

import re

from sshpyk_core.transport_kit.settings.keywords import UNDERSTOOD

__all__ = ["checked", "parse_line"]

_LINE = re.compile(r'"?(?P<keyword>\w+)"?(?:\s*=\s*|\s+|$)(?P<rest>.*)', re.DOTALL)
_PART = re.compile(r"""\\(['"\\ ])|"((?:\\['"\\]|[^"])*)"|'((?:\\['"\\]|[^'])*)'|([^\s"'])""")
_ESCAPED = re.compile(r"""\\(['"\\])""")

# What ssh calls by another name, too.
_NAMES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "keepalive": "tcpkeepalive",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
}
_COMMANDS = frozenset({"knownhostscommand", "localcommand", "proxycommand", "remotecommand"})
_LISTS = frozenset({"sendenv", "setenv", "userknownhostsfile", "globalknownhostsfile"})
_NUMBER = r"\d{1,9}"
_TIME = r"none|(\d{1,9}[smhdw]?)+"
_FLAG = r"yes|no|true|false"
_FORMS = {
    "addressfamily": r"any|inet|inet6",
    "compression": _FLAG,
    "connecttimeout": _TIME,
    "hashknownhosts": _FLAG,
    "identitiesonly": _FLAG,
    "kbdinteractiveauthentication": _FLAG,
    "numberofpasswordprompts": _NUMBER,
    "passwordauthentication": _FLAG,
    "port": r"\d{1,5}",
    "serveralivecountmax": _NUMBER,
    "serveraliveinterval": _TIME,
    "tcpkeepalive": _FLAG,
}


def parse_line(line: str) -> tuple[str, list[str]]:
    """Return the keyword in lower case and its words; an empty keyword for a line without any.

    Raises:
        ValueError: it is no such line.
    """
    line = line.strip()
    if not line or line.startswith("#"):
        return "", []
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"{line!r} has no keyword")
    keyword = match["keyword"].lower()
    keyword = _NAMES.get(keyword, keyword)
    return keyword, _words(keyword, match["rest"])


def _words(keyword: str, text: str) -> list[str]:
    """Split what follows a keyword into words, without quotes and a comment at the end.

    Raises:
        ValueError: a quote is not closed.
    """
    if keyword in _COMMANDS:
        return [text] if text else []
    words: list[str] = []
    rest = text.lstrip()
    while rest and not rest.startswith("#"):
        word = ""
        while part := _PART.match(rest):
            escaped, double, single, plain = part.groups()
            quoted = _ESCAPED.sub(r"\1", double or single or "")
            word += escaped or plain or quoted
            rest = rest[part.end() :]
        if rest and not rest[0].isspace():
            raise ValueError(f"a quote is not closed in {text!r}")
        words.append(word)
        rest = rest.lstrip()
    return words


def checked(keyword: str, words: list[str]) -> list[str]:
    """Return the values that the words are, each as `ssh -G` prints it on a line of its own.

    Raises:
        ValueError: ssh would not take them.
    """
    if not words:
        raise ValueError(f"{keyword} has no argument")
    if keyword in ("sendenv", "setenv"):
        return words
    if len(words) > 1 and keyword in UNDERSTOOD - _LISTS:
        raise ValueError(f"{keyword} has more than one argument: {' '.join(words)}")
    form = _FORMS.get(keyword)
    if form and not re.fullmatch(form, words[0], re.IGNORECASE):
        raise ValueError(f"{keyword} cannot be {words[0]!r}")
    return [" ".join(words)]
