"""The ``config`` stanza of a kernel spec: what it accepts, what it refuses and how it says so."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.config import KEYS, REQUIRED, KernelConfig
from sshpyk_core.errors import ConfigError
from sshpyk_core.timers import LinkTimers
from sshpyk_core.types import Target, TcpAddress, UnixAddress


def parse(**stanza: Any) -> KernelConfig:
    return KernelConfig.parse({"ssh_host_alias": "box", **stanza})


def refusal(**stanza: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(**stanza)
    return str(caught.value)


def test_an_alias_is_enough() -> None:
    config = KernelConfig.parse({"ssh_host_alias": "box"})
    assert config.target == Target("box")
    assert config.transport == "openssh"
    assert config.remote_python == "auto"
    assert config.remote_kernel_name == "python3"
    assert config.launch_timeout == 30
    assert config.shutdown_time is None
    assert config.env == {}
    assert config.channels == "relay"
    assert config.forward == ()
    assert config.spool_limit == 2**30
    assert config.detached_timeout == 7 * 86400
    assert config.persistent is False
    assert config.notices == ()
    assert config.to_stanza() == {"ssh_host_alias": "box"}


def test_the_alias_is_required() -> None:
    with pytest.raises(ConfigError, match="ssh_host_alias is missing"):
        KernelConfig.parse({})


def test_a_full_stanza_survives_the_round_trip(tmp_path: Path) -> None:
    ssh_config = tmp_path / "config"
    ssh_config.touch()
    stanza = {
        "ssh_host_alias": "me@box",
        "transport": "asyncssh",
        "transport_options": {"compression": True, "nested": {"a": [1, "b"]}},
        "ssh_config": str(ssh_config),
        "ssh": "ssh10",
        "remote_python": "~/env/bin/python",
        "remote_kernel_name": "ir",
        "launch_timeout": 12.5,
        "shutdown_time": 3,
        "env": {"A": "${HOME}/x", "_b1": ""},
        "remote_cwd": "~/work",
        "remote_precmd": "module load R && conda activate 'x y'",
        "channels": "forward",
        "forward": [8787, "6007:6006", "9000:/run/x.sock"],
        "remote_dir": "/scratch/me",
        "spool_limit": 5,
        "spool_memory": 4,
        "ping_after": 60,
        "dead_after": 60.5,
        "detached_timeout": 60,
        "persistent": True,
        "persistent_file": "note.json",
        "existing": "other.json",
        "remote_pythonhome": "/opt/py",
        "remote_kernel_pythonhome": "/opt/kernel",
    }
    config = KernelConfig.parse(stanza)
    assert config.to_stanza() == stanza
    assert KernelConfig.parse(json.loads(json.dumps(config.to_stanza()))) == config
    options = {"compression": True, "nested": {"a": [1, "b"]}}
    assert config.target == Target("me@box", "asyncssh", str(ssh_config), "ssh10", options)
    assert hash(config.target) == hash(KernelConfig.parse(stanza).target)


def test_the_value_is_frozen_and_its_defaults_are_its_own() -> None:
    config = parse()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.transport = "x"  # type: ignore[misc]
    assert config.env is not parse().env


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("ssh_hostalias", "ssh_host_alias"),
        ("remote_pyton", "remote_python"),
        ("remote_kernel", "remote_kernel_name"),
        ("launch_time_out", "launch_timeout"),
        ("Transport", "transport"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_right_one(key: str, near: str) -> None:
    assert f"unknown key '{key}': did you mean {near}?" in refusal(**{key: 1})


def test_an_unknown_key_like_no_other_gets_the_list() -> None:
    message = refusal(qqqq=1)
    assert "unknown key 'qqqq'" in message
    assert "remote_python" in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ssh_host_alias", "-oProxyCommand=id"),
        ("ssh_host_alias", "box; id"),
        ("ssh_host_alias", "two words"),
        ("ssh_host_alias", "box\n"),
        ("ssh_host_alias", "$(id)"),
        ("ssh_host_alias", ""),
        ("ssh_host_alias", None),
        ("ssh_host_alias", 7),
        ("transport", ""),
        ("transport", None),
        ("transport", "-x"),
        ("transport_options", []),
        ("transport_options", {"a": {"b": ["c\nd"]}}),
        ("ssh_config", "/no/such/file"),
        ("ssh", "-V"),
        ("remote_python", "bin/python"),
        ("remote_python", "python -c x"),
        ("remote_python", "/usr/bin/python\0"),
        ("remote_kernel_name", "-x"),
        ("remote_kernel_name", "a/b"),
        ("remote_kernel_name", "a b"),
        ("remote_kernel_name", ""),
        ("launch_timeout", 0),
        ("launch_timeout", True),
        ("launch_timeout", "30"),
        ("launch_timeout", None),
        ("launch_timeout", float("nan")),
        ("shutdown_time", -1),
        ("spool_limit", 1.5),
        ("spool_memory", 0),
        ("ping_after", 60.1),
        ("ping_after", 0),
        ("dead_after", -1),
        ("detached_timeout", float("inf")),
        ("env", ["A=1"]),
        ("env", {"A B": "1"}),
        ("env", {"1A": "1"}),
        ("env", {"A": 1}),
        ("env", {"A": "x\ny"}),
        ("remote_cwd", "work"),
        ("remote_dir", "../x"),
        ("remote_precmd", "a\nb"),
        ("channels", "tunnel"),
        ("channels", ["relay"]),
        ("forward", 8787),
        ("forward", "8787"),
        ("forward", [True]),
        ("forward", [8787.0]),
        ("forward", [0]),
        ("forward", ["70000"]),
        ("forward", ["http"]),
        ("forward", ["80:"]),
        ("forward", ["127.0.0.1:80:80"]),
        ("forward", ["80:-oX:80"]),
        ("forward", ["80:/run/\x1b[2J"]),
        ("forward", ["80:81", "80:82"]),
        ("persistent", "yes"),
        ("persistent", 1),
        ("existing", 3),
        ("ssh_verbose", "vvvv"),
        ("ssh_verbose", True),
        ("independent_local_processes", "true"),
    ],
)
def test_an_impossible_value_is_refused_by_the_name_of_its_key(key: str, value: object) -> None:
    message = refusal(**{key: value})
    assert f"{key}: " in message
    assert "it must be" in message


def test_the_refusal_names_the_value_and_what_is_allowed() -> None:
    expected = "channels: 'tunnel' is not allowed; it must be 'relay' or 'forward'"
    assert expected in refusal(channels="tunnel")


def test_a_refused_variable_does_not_show_its_value() -> None:
    message = refusal(env={"TOKEN": "hush\n"})
    assert "TOKEN" in message
    assert "hush" not in message


def test_the_time_for_an_answer_must_be_longer_than_until_the_question() -> None:
    assert parse(ping_after=1, dead_after=1.5).timers == LinkTimers(1, 1.5)
    assert "dead_after (5 s) must be more than ping_after (5 s)" in refusal(dead_after=5)
    assert "dead_after (20 s) must be more than ping_after (30 s)" in refusal(ping_after=30)


def test_all_problems_are_reported_together() -> None:
    message = refusal(launch_timeout=0, channels="x", remote_dirr="/x", spool_limit=False)
    for part in ("launch_timeout", "channels", "'remote_dirr'", "spool_limit"):
        assert part in message


@pytest.mark.parametrize(
    "value", ["auto", "python3", "python3.11", "/opt/my env/bin/python", "~/env/bin/python"]
)
def test_an_interpreter_can_be_named_in_four_ways(value: str) -> None:
    assert parse(remote_python=value).remote_python == value


def test_the_ssh_config_may_start_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "config").touch()
    assert parse(ssh_config="~/config").target.ssh_config == str(tmp_path / "config")
    assert "there is no file" in refusal(ssh_config="~/other")


def test_a_whole_float_is_a_number_of_bytes() -> None:
    limit = parse(spool_limit=1e6).spool_limit
    assert limit == 1_000_000
    assert isinstance(limit, int)


def test_a_spec_of_1x_works_unchanged(tmp_path: Path) -> None:
    ssh_config = tmp_path / "config"
    ssh_config.touch()
    config = KernelConfig.parse(
        {
            "ssh_host_alias": "remote_server_sshpyk",
            "remote_python": "/opt/conda/bin/python",
            "remote_kernel_name": "python3",
            "launch_timeout": 60,
            "shutdown_time": 15,
            "ssh": "/usr/bin/ssh",
            "ssh_config": str(ssh_config),
            "ssh_verbose": "vvv",
            "remote_pythonhome": None,
            "remote_kernel_pythonhome": None,
            "persistent": False,
            "persistent_file": "",
            "existing": "",
            "raise_on_ssh_config_error": True,
            "independent_local_processes": False,
        }
    )
    assert config.target.options == {"verbose": 3}
    assert config.launch_timeout == 60
    assert config.persistent_file is None
    assert config.existing is None
    assert [notice.split()[3] for notice in config.notices] == [
        "raise_on_ssh_config_error",
        "independent_local_processes",
    ]


@pytest.mark.parametrize(
    "key", ["ssh_config", "ssh", "remote_pythonhome", "remote_kernel_pythonhome", "ssh_verbose"]
)
def test_null_stays_allowed_where_1x_allowed_it(key: str) -> None:
    assert parse(**{key: None}) == parse()
    assert parse(**{key: None}).notices == ()


def test_a_persistent_file_implies_persistent() -> None:
    assert parse(persistent_file="/x/note.json", persistent=False).persistent is True


def test_a_port_to_forward_is_written_in_four_ways() -> None:
    written = [8787, "6007:6006", "81:node7:80", "82:[fe80::1]:80", "83:/run/my app.sock"]
    forwards = parse(forward=written).port_forwards
    assert [each.local for each in forwards] == [None, 6007, 81, 82, 83]
    assert [each.destination for each in forwards] == [
        TcpAddress("localhost", 8787),
        TcpAddress("localhost", 6006),
        TcpAddress("node7", 80),
        TcpAddress("fe80::1", 80),
        UnixAddress("/run/my app.sock"),
    ]
    assert {each.host for one in forwards for each in one.listen()} == {"127.0.0.1"}
    assert [each.port for each in forwards[0].listen()] == [8787, 0]
    assert [each.port for each in forwards[0].listen(this_machine=True)] == [0]
    assert [each.port for each in forwards[1].listen(this_machine=True)] == [6007]


def test_the_old_name_of_shutdown_time_counts_when_they_agree() -> None:
    assert parse(shutdown_timeout=9).shutdown_time == 9
    assert parse(shutdown_timeout=9, shutdown_time=9.0).shutdown_time == 9
    assert "they differ" in refusal(shutdown_timeout=9, shutdown_time=8)


def test_ssh_verbose_is_for_openssh_only() -> None:
    assert parse(ssh_verbose="v").transport_options == {"verbose": 1}
    assert parse(ssh_verbose="v", transport_options={"verbose": 0}).target.options["verbose"] == 0
    other = parse(ssh_verbose="vv", transport="asyncssh")
    assert other.transport_options == {}
    assert "ssh_verbose" in other.notices[0]


def test_the_table_of_keys_is_complete() -> None:
    names = [key.name for key in KEYS]
    assert len(set(names)) == len(names)
    assert {each.name for each in dataclasses.fields(KernelConfig)} - {"notices"} <= set(names)
    assert [key.name for key in KEYS if key.default is REQUIRED] == ["ssh_host_alias"]
    assert all(key.doc.endswith(".") and key.kind.allowed for key in KEYS)
