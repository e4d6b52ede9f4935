"""Logins that went wrong in a review: locked accounts, secrets for the wrong host, loose ends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
import pytest
from sshpyk_core.connection import Places, Plan
from sshpyk_core.errors import AuthenticationError, ConnectError
from sshpyk_core.host import Host
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.link.options import SupervisorOptions
from sshpyk_core.link.supervisor import SupervisorClient
from sshpyk_core.prompting.askpass import Askpass
from sshpyk_core.prompting.login import Login, Shared
from sshpyk_core.prompting.patience import Patience
from sshpyk_core.testing.embedded_server import EmbeddedServer
from sshpyk_core.timers import LinkTimers
from sshpyk_core.transport import transport_for
from sshpyk_core.transport_kit.login.questions import LoginQuestions
from sshpyk_core.types import Question, Target
from support.near_half import NobodyWatches
from support.processes import children_of
from support.prompters import Somebody
from support.scripts import script

MakeEmbedded = Callable[..., EmbeddedServer]
T = TypeVar("T")

ABOUT = "me@host:22"
KEY = ("password", ABOUT)
PASSWORD = Question("password", "me@host's password: ", ABOUT)


def target_of(server: EmbeddedServer) -> Target:
    return Target(server.alias, ssh_config=str(server.ssh_config))


# Accounts that a server locks after a few wrong passwords


def remembering() -> Shared:
    shared = Shared()
    shared.memory.put(KEY, "old")
    return shared


async def given_unattended(shared: Shared) -> str | None:
    login = Login(shared, None, Patience())
    answer = await login.ask(PASSWORD)
    login.broken_off()
    return answer


async def test_a_server_that_hangs_up_gets_a_stored_password_three_times_at_most() -> None:
    shared = remembering()
    given = [await given_unattended(shared) for _ in range(5)]
    assert given == ["old", "old", "old", None, None]
    person = Login(shared, Somebody("new"), Patience())
    assert await person.ask(PASSWORD) == "new"
    await person.accepted()
    assert await given_unattended(shared) == "new"


async def test_a_stored_password_that_lets_in_is_trusted_again() -> None:
    shared = remembering()
    for _ in range(3):
        assert [await given_unattended(shared) for _ in range(2)] == ["old", "old"]
        login = Login(shared, None, Patience())
        assert await login.ask(PASSWORD) == "old"
        await login.accepted()


async def test_a_second_factor_that_nobody_gives_casts_no_doubt_on_the_password() -> None:
    shared = remembering()
    for _ in range(5):
        login = Login(shared, None, Patience())
        assert await login.ask(PASSWORD) == "old"
        assert await login.ask(Question("code", "Code: ")) is None
        login.refused()


class HangsUp:
    """A transport whose server ends the connection when it does not like the password."""

    async def connect(self, target: Target, prompter: Any) -> Any:
        if prompter is None or await prompter.ask(PASSWORD) is None:
            raise AuthenticationError(target.alias, "log in", "nobody answered")
        raise ConnectError(target.alias, "connect", "Connection closed")


async def test_reconnecting_with_a_password_that_ends_the_connection_comes_to_an_end() -> None:
    shared = remembering()
    plan = Plan(HangsUp(), Target("host"), Patience())  # type: ignore[arg-type]
    ends: list[type[Exception]] = []
    for _ in range(4):
        with pytest.raises(ConnectError) as caught:
            await plan.connect(Places(), LinkTimers(), Login(shared, None, Patience()))
        ends.append(caught.type)
    assert ends == [ConnectError] * 3 + [AuthenticationError]


class Undecided(asyncssh.SSHServer):
    """Wants another password, or never says what it makes of one."""

    def __init__(self, expired: bool) -> None:
        self._expired = expired

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        if self._expired:
            raise asyncssh.PasswordChangeRequired("Choose another password.")
        await asyncio.get_running_loop().create_future()
        return False


@asynccontextmanager
async def undecided(server: EmbeddedServer, *, expired: bool) -> AsyncIterator[dict[str, Any]]:
    """Give options that lead to such a server by the alias of another."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with asyncssh.listen(
        "127.0.0.1", 0, server_factory=lambda: Undecided(expired), server_host_keys=[key]
    ) as listener:
        changed = {
            "Port": listener.get_port(),
            "HostKeyAlias": "undecided",
            "StrictHostKeyChecking": "accept-new",
            "PreferredAuthentications": "password",
            "ConnectTimeout": 2,
        }
        yield {"options": {name: str(value) for name, value in changed.items()}}


@pytest.mark.parametrize("transport", ["asyncssh", "paramiko"])
async def test_a_password_that_has_expired_needs_a_login(
    embedded: EmbeddedServer, transport: str
) -> None:
    async with undecided(embedded, expired=True) as options:
        target = Target(embedded.alias, transport, str(embedded.ssh_config), options=options)
        with pytest.raises(AuthenticationError, match="needs login"):
            await transport_for(target).connect(target, Somebody("old"))


@pytest.mark.parametrize("transport", ["asyncssh", "paramiko"])
async def test_a_password_that_gets_no_answer_is_not_one_of_an_unreachable_host(
    embedded: EmbeddedServer, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshpyk_asyncssh.connect._LOGIN_SECONDS", 2.0)
    async with undecided(embedded, expired=False) as options:
        target = Target(embedded.alias, transport, str(embedded.ssh_config), options=options)
        with pytest.raises(ConnectError, match="no answer within") as caught:
            await transport_for(target).connect(target, Somebody("perhaps"))
    # Any other kind would let a stored password be given again and again.
    assert caught.type is ConnectError


# Secrets for the wrong host or question


async def asked_about(settings: HostSettings, prompt: str) -> tuple[str, str]:
    somebody = Somebody("answer")
    await LoginQuestions(settings, somebody).answers("", [(prompt, False)])
    (question,) = somebody.asked
    return question.kind, question.about


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("Password: ", "password"),
        ("Password for me@host:", "password"),
        ("me@host's password:", "password"),
        ("One-time password (OATH) for `me': ", "code"),
        ("New password: ", "code"),
        ("Retype new password: ", "code"),
    ],
)
async def test_only_the_account_password_is_one_that_may_be_stored(prompt: str, kind: str) -> None:
    settings = HostSettings("box", (("hostname", "host"), ("user", "me")))
    assert (await asked_about(settings, prompt))[0] == kind


async def test_one_address_behind_two_jump_hosts_is_two_accounts() -> None:
    address = (("hostname", "10.0.0.5"), ("user", "me"))
    names = [
        await asked_about(HostSettings(name, (*address, ("hostkeyalias", name))), "Password: ")
        for name in ("one", "two")
    ]
    assert names == [("password", "me@one:22"), ("password", "me@two:22")]


async def test_a_servers_words_are_no_option_of_the_askpass_program(tmp_path: Path) -> None:
    program = tmp_path / "askpass"
    script(program, '#!/bin/sh\nprintf "%s\\n" "<$1>"\n')
    answer = await Askpass(str(program)).ask(Question("code", "--gtk-module=/tmp/x: "))
    assert answer == "< --gtk-module=/tmp/x: >"


# Loose ends


class CancelledTooLate(Patience):
    """A clock whose owner is cancelled when the work has just been done."""

    async def wait_for(self, work: Coroutine[Any, Any, T] | asyncio.Task[T], seconds: float) -> T:
        await super().wait_for(work, seconds)
        raise asyncio.CancelledError


async def test_a_connection_that_is_made_too_late_is_closed(make_embedded: MakeEmbedded) -> None:
    server = make_embedded()
    others = {each.pid for each in children_of(os.getpid())}
    target = target_of(server)
    patience = CancelledTooLate()
    plan = Plan(transport_for(target), target, patience)
    with pytest.raises(asyncio.CancelledError):
        await plan.connect(
            Places(python=sys.executable), LinkTimers(), Login(Shared(), None, patience)
        )
    assert server.connections_made == 1
    left = [each for each in children_of(os.getpid()) if each.pid not in others]
    assert [each for each in left if "ssh" in each.command] == []


async def test_closing_a_host_waits_until_its_login_has_been_undone(
    make_embedded: MakeEmbedded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, asked = tmp_path / "askpass", tmp_path / "asked"
    os.mkfifo(asked)
    script(program, f"#!/bin/sh\necho $$ > {asked}\nexec sleep 600\n")
    monkeypatch.setenv("SSHPYK_ASK", "")
    monkeypatch.setenv("SSH_ASKPASS", str(program))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    host = Host(target_of(make_embedded(password="right", allow_key=False)))
    supervisor = SupervisorClient(host.target.alias, NobodyWatches())
    start = host.start_kernel(supervisor, Places(), SupervisorOptions(None, 1, 1, 60, "test"), {})
    starting = asyncio.create_task(start)
    pid = int(await asyncio.to_thread(asked.read_text))
    await host.aclose()
    assert pid not in [each.pid for each in children_of(os.getpid())]
    assert [name for name in os.listdir(tmp_path) if name.startswith("sshpyk-")] == []
    with pytest.raises(asyncio.CancelledError):
        await starting
