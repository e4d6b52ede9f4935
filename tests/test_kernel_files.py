"""The file that leads to a kernel: it holds no secret, and what is wrong with one is said."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import KernelFileError, SupervisorGoneError
from sshpyk_core.kernel.kernel_file import KernelFile
from sshpyk_core.link.hello import BridgeHello
from support.far import FarSide, state_of
from support.kernels import execute
from support.live import LAUNCH, live_kernel, on_loop
from support.managers import started

HELLO = BridgeHello("lab", "boot", "3.9", 1, 1, machine="1c0ffee5")
CONFIG = KernelConfig.parse(
    {"ssh_host_alias": "lab", "transport": "paramiko", "env": {"TOKEN": "hidden"}}
)
DIRECTORY = f"/home/me/.cache/sshpyk/supervisors/{'0f' * 16}"
FILE = KernelFile.of(CONFIG, DIRECTORY, HELLO, 1767261600.5)


def written(tmp_path: Path, **changes: Any) -> Path:
    """Write a file, and change what it says."""
    path = tmp_path / "kernel.json"
    FILE.write(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


def test_it_is_private_and_says_how_to_find_the_kernel_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "kernel.json"
    path.write_text("what was there before")
    FILE.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "hidden" not in path.read_text()
    assert list(tmp_path.iterdir()) == [path]
    found = KernelFile.read(path)
    assert (found.config.target, found.directory) == (CONFIG.target, DIRECTORY)
    assert (found.host, found.machine, found.started) == ("lab", "1c0ffee5", 1767261600.5)
    found.check_host(path, HELLO)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is not there"),
        ("nonsense", "holds no JSON"),
        ("[1]", "leads to no kernel of sshpyk"),
        ('{"shell_port": 1}', "leads to no kernel of sshpyk"),
        ('{"kernel_id": "x", "rem_pid_k": 12, "rem_conn_fp": "/x"}', "is of sshpyk 1.x"),
    ],
)
def test_what_is_no_such_file_is_an_error_that_says_what_to_do(
    tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "kernel.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KernelFileError, match=words) as caught:
        KernelFile.read(path)
    assert all(caught.value.cause_and_fix())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 2}, "has version 2, and this sshpyk reads 1"),
        ({"owner": "somebody@lab"}, "leads to a kernel of 'somebody@lab'"),
        ({"directory": None}, "is damaged"),
        ({"supervisor": "../x"}, "is damaged"),
        ({"started": "yesterday"}, "is damaged"),
        ({"started": 10**400}, "is damaged"),
        ({"config": {"ssh_host_alias": "-oProxyCommand=x"}}, "cannot be used"),
        ({"config": {"ssh_host_alias": "lab", "remote_precmd": "x"}}, "is damaged"),
    ],
)
def test_what_it_says_is_not_believed_unseen(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(KernelFileError, match=words):
        KernelFile.read(written(tmp_path, **changes))


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give away")
def test_a_file_of_another_user_is_not_used(tmp_path: Path) -> None:
    path = written(tmp_path)
    os.chown(path, 12345, -1)
    with pytest.raises(KernelFileError, match="belongs to another user"):
        KernelFile.read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are none on this system")
def test_what_is_no_file_or_open_to_everybody_is_not_waited_for_nor_used(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.chmod(0o666)
    with pytest.raises(KernelFileError, match="can be written by everybody"):
        KernelFile.read(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(KernelFileError, match="is no file"):
        KernelFile.read(path)


@pytest.mark.parametrize(
    ("host", "machine", "same"),
    [
        ("renamed", "1c0ffee5", True),
        ("lab", "another", False),
        ("lab", "", True),
        ("other", "", False),
    ],
)
def test_a_host_is_the_same_by_its_machine_id(
    tmp_path: Path, host: str, machine: str, same: bool
) -> None:
    hello = BridgeHello(host, "boot", "3.9", 1, 1, machine=machine)
    if same:
        FILE.check_host(tmp_path, hello)
        return
    with pytest.raises(KernelFileError, match="leads to a kernel on 'lab'"):
        FILE.check_host(tmp_path, hello)


async def test_a_kernel_spec_attaches_to_an_existing_kernel(far: FarSide, tmp_path: Path) -> None:
    path = tmp_path / "kernel.json"
    async with live_kernel(far, persistent=True) as kernel:
        await on_loop(kernel.start(LAUNCH))
        file = kernel.describe()
        assert file is not None
        file.write(path)
        (supervisor,) = far.supervisors()
        far.install("by-id", existing=supervisor.name[:8])
        far.install("by-file", existing=str(path))
        async with started("by-id") as (_, one), started("by-file") as (_, other):
            await execute(one, "x = 41")
            assert (await execute(other, "print(x + 1)")).text == "42\n"
            assert state_of(supervisor)["generation"] == 1
    assert far.left_behind() == []
    for existing, error in (
        (str(path), SupervisorGoneError),
        ("0123abcd", SupervisorGoneError),
        (str(tmp_path / "none.json"), KernelFileError),
    ):
        far.install("gone", existing=existing)
        with pytest.raises(error):
            await AsyncKernelManager(kernel_name="gone").start_kernel()
    assert far.supervisors() == []
