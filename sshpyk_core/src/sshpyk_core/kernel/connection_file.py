"""Connection files of this machine: read where another program wrote one, else written.

Their form is Jupyter's: https://jupyter-client.readthedocs.io/en/stable/kernels.html#connection-files
"""

from __future__ import annotations

import inspect
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jupyter_client.connect import KernelConnectionInfo, write_connection_file

from sshpyk_core.errors import ConfigError
from sshpyk_core.kernel.launch_request import KernelFacts, MessageSecurity
from sshpyk_core.remote.wire import PORTS

__all__ = ["Agreed", "connection_info", "new_security", "read", "write"]


@dataclass(frozen=True)
class Agreed:
    """What a connection file says.

    Attributes:
        ip: the local address of the ports.
        ports: by channel; 0 where it names none.
        connection: what signs and encrypts the messages.
    """

    ip: str
    ports: Mapping[str, int]
    connection: MessageSecurity

    @property
    def whole(self) -> bool:
        """Whether it names all ports, so that its reader need not be told any."""
        return all(self.ports.values())


def new_security(
    key: str | None = None,
    signature_scheme: str = "hmac-sha256",
    encryption: Literal["disabled", "auto", "required"] = "disabled",
    curve: tuple[bytes, bytes] | None = None,
) -> MessageSecurity:
    """Give what a new kernel and its clients are to agree on.

    Args:
        key: signs the messages, empty for none; a new one if not given.
        signature_scheme: how.
        encryption: Jupyter's ``transport_encryption``.
        curve: the public and the secret key, where there are some already.
    """
    public = secret = b""
    if encryption != "disabled":
        import zmq

        public, secret = curve or zmq.curve_keypair()
    return MessageSecurity(
        key=str(uuid.uuid4()) if key is None else key,
        signature_scheme=signature_scheme,
        encryption=encryption,
        curve_publickey=public.decode(),
        curve_secretkey=secret.decode(),
    )


def read(file: Path) -> Agreed:
    """Read a connection file that another program has written.

    Raises:
        ConfigError: it cannot be read, or a kernel cannot be reached in the way that it says.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{file} is no connection file: it is not JSON") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{file} is no connection file: it holds no JSON object")
    if content.get("transport", "tcp") != "tcp":
        raise ConfigError(f"{file} wants another transport than tcp, and sshpyk has no other")
    curve = _text(content, "curve_publickey", file), _text(content, "curve_secretkey", file)
    return Agreed(
        ip=_text(content, "ip", file) or "127.0.0.1",
        ports={name: _port(content, f"{name}_port", file) for name in PORTS},
        connection=MessageSecurity(
            key=_text(content, "key", file),
            signature_scheme=_text(content, "signature_scheme", file) or "hmac-sha256",
            # Whoever wrote keys into it will talk to nobody without them.
            encryption="required" if all(curve) else "disabled",
            curve_publickey=curve[0],
            curve_secretkey=curve[1],
        ),
    )


def _text(content: Mapping[str, Any], name: str, file: Path) -> str:
    value = content.get(name, "")
    if not isinstance(value, str):
        raise ConfigError(f"{file} is no connection file: its {name} is no text")
    return value


def _port(content: Mapping[str, Any], name: str, file: Path) -> int:
    value = content.get(name, 0)
    if not isinstance(value, int) or not 0 <= value < 65536:
        raise ConfigError(f"{file} is no connection file: its {name} is no port")
    return int(value)


def connection_info(facts: KernelFacts) -> KernelConnectionInfo:
    """Give what clients connect with, as Jupyter passes it around."""
    connection = facts.connection
    info: KernelConnectionInfo = {
        "transport": "tcp",
        "ip": facts.ip,
        "key": connection.key.encode(),  # type: ignore[typeddict-item]  # Jupyter wants bytes
        "signature_scheme": connection.signature_scheme,
        "shell_port": facts.ports["shell"],
        "iopub_port": facts.ports["iopub"],
        "stdin_port": facts.ports["stdin"],
        "control_port": facts.ports["control"],
        "hb_port": facts.ports["hb"],
    }
    if facts.encrypted:
        info["curve_publickey"] = connection.curve_publickey
        info["curve_secretkey"] = connection.curve_secretkey
    return info


def write(file: Path, info: KernelConnectionInfo, kernel_name: str) -> None:
    """Write a connection file that only this user can read.

    Raises:
        ConfigError: it cannot be written.
    """
    fields: dict[str, Any] = dict(info)
    # An older jupyter_client knows no such keys, and writes them as they come.
    known = inspect.signature(write_connection_file).parameters
    for name in ("curve_publickey", "curve_secretkey"):
        if name in fields and name in known:
            fields[name] = fields[name].encode()
    try:
        write_connection_file(str(file), kernel_name=kernel_name, **fields)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror or error}") from error
