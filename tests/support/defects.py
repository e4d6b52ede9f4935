"""Transports with one defect each, and the standard tests that have to find it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFECTS", "SOUND", "Defect"]

SOUND = """
import asyncio, contextlib, os, socket, subprocess, sys, tempfile, threading
from dataclasses import replace
from sshpyk_core.declaration import Capability
from sshpyk_core.errors import ConnectError, HostUnreachableError
from sshpyk_core.hookspecs import hookimpl
from sshpyk_core.transport_kit import remote_command
from sshpyk_core.types import Finding
from sshpyk_openssh import plugin
from sshpyk_openssh.plugin import *

DECLARATION = plugin.DECLARATION

class Wrapped:
    def __init__(self, inner, **changed):
        self.inner = inner
        vars(self).update(changed)

    def __getattr__(self, name):
        return getattr(self.inner, name)

class Process(Wrapped):
    @property
    def stdin(self): return self.inner.stdin
    @property
    def stdout(self): return self.inner.stdout
    @property
    def stderr(self): return self.inner.stderr
    async def wait(self): return await self.inner.wait()
    async def terminate(self): await self.inner.terminate()

def own_option(target, **options):
    return replace(target, options={**target.options, "options": options})
"""
"""A sound transport: OpenSSH's under another name."""


@dataclass(frozen=True)
class Defect:
    """One defect.

    Attributes:
        source: what is appended to the sound transport.
        found_by: the names of the tests that fail, or leave something, because of it.
    """

    source: str
    found_by: tuple[str, ...]


DEFECTS = {
    "drops_a_byte": Defect(
        """
class Dropping(Wrapped):
    async def read(self, n=-1):
        data = await self.inner.read(n)
        return data.replace(b"\\r", b"") or data

class Dropped(Process):
    @property
    def stdout(self): return Dropping(self.inner.stdout)

@hookimpl
async def sshpyk_launch(session, command):
    return Dropped(await plugin.sshpyk_launch(session, command))
""",
        ("test_all_256_byte_values_pass_unchanged_both_ways",),
    ),
    "merges_stderr": Defect(
        """
@hookimpl
async def sshpyk_launch(session, command):
    return await plugin.sshpyk_launch(session, f"{{ {command}; }} 2>&1")
""".replace("{{ {command}; }}", "({command})"),
        ("test_standard_error_is_apart_from_standard_output",),
    ),
    "keeps_no_status": Defect(
        """
class Vague(Process):
    async def wait(self):
        return min(await self.inner.wait(), 1)

@hookimpl
async def sshpyk_launch(session, command):
    return Vague(await plugin.sshpyk_launch(session, command))
""",
        ("test_the_exit_status_is_that_of_the_command",),
    ),
    "never_drains": Defect(
        """
class Endless(Wrapped):
    async def drain(self):
        pass

class Filling(Process):
    @property
    def stdin(self): return Endless(self.inner.stdin)

@hookimpl
async def sshpyk_launch(session, command):
    return Filling(await plugin.sshpyk_launch(session, command))
""",
        (
            "test_a_command_that_does_not_read_holds_the_writer_back",
            "test_writing_to_a_command_that_has_ended_fails",
        ),
    ),
    "waits_for_the_end": Defect(
        """
class Late(Wrapped):
    async def read(self, n=-1):
        if not hasattr(self.inner, "all_of_it"):
            self.inner.all_of_it = await self.inner.read()
        data, self.inner.all_of_it = self.inner.all_of_it, b""
        return data

class Collecting(Process):
    @property
    def stdout(self): return Late(self.inner.stdout)

@hookimpl
async def sshpyk_launch(session, command):
    return Collecting(await plugin.sshpyk_launch(session, command))
""",
        ("test_reading_gives_what_is_there_and_at_most_what_was_asked_for",),
    ),
    "leaks": Defect(
        """
kept = []

@hookimpl
async def sshpyk_connect(target, prompter):
    wait = threading.Event().wait
    threading.Thread(target=wait, name="forgotten thread", daemon=True).start()
    kept.append(os.open(os.devnull, os.O_RDONLY))
    command = [sys.executable, "-c", "import time; time.sleep(30)"]
    kept.append(subprocess.Popen(command, start_new_session=True))
    kept.append(tempfile.NamedTemporaryFile(prefix="forgotten-file-", delete=False).close())
    return await plugin.sshpyk_connect(target, prompter)
""",
        ("test_a_connection_that_needs_no_answer_asks_no_question",),
    ),
    "leaks_a_task": Defect(
        """
kept = []

@hookimpl
async def sshpyk_connect(target, prompter):
    kept.append(asyncio.get_running_loop().create_task(asyncio.sleep(1000), name="forgotten"))
    return await plugin.sshpyk_connect(target, prompter)
""",
        ("test_a_session_knows_its_target_and_is_open_until_it_is_closed",),
    ),
    "hangs_on_cancel": Defect(
        """
@hookimpl
async def sshpyk_launch(session, command):
    try:
        return await plugin.sshpyk_launch(session, command)
    except asyncio.CancelledError:
        await asyncio.sleep(1000)
""",
        ("test_a_launch_that_is_cancelled_leaves_nothing",),
    ),
    "declares_signals": Defect(
        """
more = DECLARATION.capabilities | {Capability.EXIT_SIGNALS}
DECLARATION = replace(DECLARATION, capabilities=more)
""",
        ("test_the_signal_that_ends_a_command_is_told",),
    ),
    "hangs_where_undeclared": Defect(
        """
fewer = DECLARATION.capabilities - {Capability.FORWARD_UNIX}
DECLARATION = replace(DECLARATION, capabilities=fewer)

@hookimpl
async def sshpyk_forward(session, listen, destination):
    await asyncio.sleep(1000)
""",
        ("test_a_transport_without_unix_sockets_says_so",),
    ),
    "finds_no_login": Defect(
        """
async def nothing(target):
    return None

DECLARATION = replace(DECLARATION, keeper=replace(DECLARATION.keeper, find=nothing))
""",
        ("test_a_kept_login_lets_in_who_cannot_answer",),
    ),
    "trusts_everybody": Defect(
        """
@hookimpl
async def sshpyk_connect(target, prompter):
    trusting = {"StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null"}
    session = await plugin.sshpyk_connect(own_option(target, **trusting), prompter)
    return session
""",
        (
            "test_an_unknown_host_key_is_refused",
            "test_a_changed_host_key_is_refused_whoever_is_there",
            "test_a_revoked_host_key_is_refused",
        ),
    ),
    "ignores_jump_hosts": Defect(
        """
@hookimpl
async def sshpyk_connect(target, prompter):
    return await plugin.sshpyk_connect(own_option(target, ProxyJump="none"), prompter)
""",
        ("test_a_host_is_reached_through_a_jump_host",),
    ),
    "knows_one_error": Defect(
        """
@hookimpl
async def sshpyk_connect(target, prompter):
    try:
        return await plugin.sshpyk_connect(target, prompter)
    except ConnectError as error:
        raise ConnectError(error.host, error.tried, error.answer, error.fix) from error
""",
        ("test_a_key_that_is_refused_is_told", "test_a_closed_port_is_told_at_once"),
    ),
    "knows_no_fix": Defect(
        """
@hookimpl
async def sshpyk_connect(target, prompter):
    try:
        return await plugin.sshpyk_connect(target, prompter)
    except ConnectError as error:
        raise type(error)(error.host, error.tried, error.answer) from error
""",
        ("test_a_key_that_is_refused_is_told",),
    ),
    "asks_for_ever": Defect(
        """
@hookimpl
async def sshpyk_connect(target, prompter):
    while True:
        try:
            return await plugin.sshpyk_connect(target, prompter)
        except ConnectError:
            if prompter is None:
                raise
            if len(prompter.questions) > 12:
                raise
""",
        (
            "test_wrong_passwords_come_to_an_end",
            "test_declining_is_a_refusal_and_is_asked_only_once",
        ),
    ),
    "uploads_in_place": Defect(
        """
@hookimpl
async def sshpyk_upload(session, content, path, mode):
    async def launch(command):
        return await plugin.sshpyk_launch(session, command)
    result = await remote_command.run(launch, f"cat > '{path}'; chmod {mode:o} '{path}'", content)
    if result.status:
        raise remote_command.UploadError("there", "upload", result.errors, "none")
""",
        (
            "test_an_upload_that_is_cut_leaves_nothing_under_its_name",
            "test_any_name_will_do",
        ),
    ),
    "signals_everybody": Defect(
        """
@hookimpl
async def sshpyk_signal(session, pid, signum):
    await plugin.sshpyk_signal(session, pid, signum)
    return True
""",
        ("test_signal_0_asks_whether_a_process_is_there",),
    ),
    "forwards_elsewhere": Defect(
        """
@hookimpl
async def sshpyk_forward(session, listen, destination):
    forward = await plugin.sshpyk_forward(session, listen, destination)
    other = replace(forward.address, port=forward.address.port % 60000 + 1)
    return Wrapped(forward, address=other, aclose=forward.aclose)
""",
        ("test_a_forward_to_any_port_carries_bytes_both_ways",),
    ),
    "sees_nothing_wrong": Defect(
        """
@hookimpl
async def sshpyk_diagnose(target):
    return [Finding("ok", "all is well")]
""",
        ("test_a_host_that_cannot_be_reached_is_an_error",),
    ),
    "never_sees_the_end": Defect(
        """
class Blind(Wrapped):
    @property
    def target(self): return self.inner.target

    async def aclose(self):
        await self.inner.aclose()

@hookimpl
async def sshpyk_connect(target, prompter):
    session = await plugin.sshpyk_connect(target, prompter)
    return Blind(session, closed=asyncio.get_running_loop().create_future())

@hookimpl
async def sshpyk_launch(session, command):
    return await plugin.sshpyk_launch(session.inner, command)
""",
        ("test_a_session_is_closed_when_its_connection_is_cut",),
    ),
}
