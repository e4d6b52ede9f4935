"""The file that leads to a kernel which stays: which host, which supervisor; no secret.

A JSON object, private to its owner, written whole or not at all:

============ ===============================================================================
key          value
============ ===============================================================================
format       ``sshpyk kernel``
version      1
config       how to reach the host, and what the kernel is: keys of a kernel spec's ``config``
supervisor   its name: 32 hexadecimal digits
directory    its directory on the host
host         the host's own name
machine      tells machines of one name apart; empty where the host does not tell
owner        the user and the machine that had it started
started      seconds since the epoch, by this machine's clock
============ ===============================================================================
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import ConfigError, KernelFileError
from sshpyk_core.kernel.launch_request import owner
from sshpyk_core.link.hello import BridgeHello
from sshpyk_core.whole_file import write_whole

__all__ = ["KernelFile", "is_name"]

FORMAT = "sshpyk kernel"
VERSION = 1

CONFIG_KEYS = (
    *("ssh_host_alias", "transport", "transport_options", "ssh_config", "ssh"),
    *("remote_python", "remote_dir", "remote_kernel_name", "channels"),
)
"""What of a kernel spec is needed to find the kernel again; its ``env`` may hold secrets."""

KEYS_OF_1X = ("rem_pid_k", "rem_pid_ka", "rem_conn_info")
"""What the files of sshpyk 1.x hold, and ours do not."""

MOST_BYTES = 256 * 1024

_NAME = re.compile(r"[0-9a-f]{32}\Z")
_START_ANEW = "Start the kernel anew; `sshpyk ps` shows those that run."


@dataclass(frozen=True)
class KernelFile:
    """What such a file says.

    Attributes:
        config: how to reach the host, and the kernel's name there.
        supervisor: the name of the kernel's supervisor.
        directory: its directory on the host.
        host: the host's own name.
        machine: tells machines of one name apart; empty where that is not known.
        owner: the user and the machine that had it started.
        started: when, in seconds since the epoch.
    """

    config: KernelConfig
    supervisor: str
    directory: str
    host: str
    machine: str
    owner: str
    started: float

    @classmethod
    def of(
        cls, config: KernelConfig, directory: str, hello: BridgeHello, started: float
    ) -> KernelFile:
        """Describe a kernel of this program.

        Args:
            config: of its kernel spec.
            directory: of its supervisor, on the host.
            hello: what the host says of itself.
            started: when it was started, in seconds since the epoch.
        """
        name = directory.rpartition("/")[2]
        return cls(config, name, directory, hello.host, hello.machine, owner(), started)

    def write(self, path: Path) -> None:
        """Write it, whole or not at all, for nobody else to read.

        Raises:
            OSError: it cannot be written.
        """
        stanza = {k: v for k, v in self.config.to_stanza().items() if k in CONFIG_KEYS}
        content = {
            "format": FORMAT,
            "version": VERSION,
            "config": stanza,
            "supervisor": self.supervisor,
            "directory": self.directory,
            "host": self.host,
            "machine": self.machine,
            "owner": self.owner,
            "started": self.started,
        }
        write_whole(path, (json.dumps(content, indent=2) + "\n").encode())

    @classmethod
    def read(cls, path: Path) -> KernelFile:
        """Read one.

        Raises:
            KernelFileError: there is none, or it is not ours, of another user or another version;
                the message says what to do.
        """
        content = _content(path)
        if content.get("format") != FORMAT:
            if any(key in content for key in KEYS_OF_1X):
                fix = "Stop that kernel with sshpyk 1.x, and start it anew with this version."
                raise _error(path, "is of sshpyk 1.x, whose kernels cannot be attached to", fix)
            raise _error(path, "leads to no kernel of sshpyk", "Name a file that sshpyk wrote.")
        if content.get("version") != VERSION:
            said = f"has version {content.get('version')!r:.20}, and this sshpyk reads {VERSION}"
            raise _error(path, said, "Use the sshpyk that wrote it.")
        found = _value(path, content)
        if found.owner.rpartition("@")[0] != owner().rpartition("@")[0]:
            fix = "Attach as that user, or start a kernel of your own."
            raise _error(path, f"leads to a kernel of {found.owner!r:.80}", fix)
        return found

    def check_host(self, path: Path, hello: BridgeHello) -> None:
        """Make sure that a connection leads to the machine that the kernel is on.

        Raises:
            KernelFileError: it is another.
        """
        same_name = self.host == hello.host
        known = bool(self.machine and hello.machine)
        if self.machine != hello.machine if known else not same_name:
            there = f"{self.config.ssh_host_alias} leads to {hello.host!r:.80} now"
            said = f"leads to a kernel on {self.host!r:.80}, but {there}"
            raise _error(path, said, "Use an alias that leads to that one machine.")


def is_name(text: str) -> bool:
    """Say whether a supervisor can have this name."""
    return _NAME.match(text) is not None


def _error(path: Path, said: str, fix: str) -> KernelFileError:
    return KernelFileError(f"{path} {said}\nFix: {fix}")


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _content(path: Path) -> Mapping[str, Any]:
    try:
        # Without waiting: what is no file may never give anything, and all kernels would hang.
        with open(path, "rb", opener=_at_once) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise _error(path, "is no file", "Name a file that sshpyk wrote.")
            if sys.platform != "win32" and about.st_uid != os.getuid():
                fix = "Name a file of your own: who wrote this one decides what it leads to."
                raise _error(path, "belongs to another user", fix)
            if sys.platform != "win32" and about.st_mode & stat.S_IWOTH:
                fix = "Close it to others (chmod o-w) if what it says is what you want."
                raise _error(path, "can be written by everybody", fix)
            content = json.loads(file.read(MOST_BYTES).decode("utf-8"))
    except FileNotFoundError as error:
        raise _error(path, "is not there", _START_ANEW) from error
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror}", _START_ANEW) from error
    except (ValueError, RecursionError) as error:
        fix = "Name a file that sshpyk wrote."
        raise _error(path, "holds no JSON that leads to a kernel", fix) from error
    if not isinstance(content, dict):
        raise _error(path, "leads to no kernel of sshpyk", "Name a file that sshpyk wrote.")
    return content


def _value(path: Path, content: Mapping[str, Any]) -> KernelFile:
    texts = {key: content.get(key) for key in ("supervisor", "directory", "host", "machine")}
    texts["owner"] = content.get("owner")
    started, stanza = content.get("started"), content.get("config")
    good = all(isinstance(text, str) and text.isprintable() for text in texts.values())
    # Compared, as an integer may be too large to be made a float of.
    good = good and isinstance(started, int | float) and 0 <= started < 2**63
    good = good and isinstance(stanza, dict) and set(stanza) <= set(CONFIG_KEYS)
    good = good and is_name(str(texts["supervisor"]))
    if not good:
        raise _error(path, "is damaged", _START_ANEW)
    try:
        config = KernelConfig.parse(stanza or {}, str(path))
    except ConfigError as error:
        raise _error(path, f"cannot be used: {error}", _START_ANEW) from error
    return KernelFile(config=config, started=float(started or 0), **_as_texts(texts))


def _as_texts(values: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in values.items()}
