"""Questions on the terminal: hidden where secret, one at a time, and put back as it was."""

from __future__ import annotations

import signal

import pytest
from support.tty import Typist

ASK = """
import asyncio, sys
from sshpyk_core.prompting.terminal import Terminal, is_there
from sshpyk_core.types import Question

async def main():
    question = Question(sys.argv[1], "Tell me: ", secret=sys.argv[2] == "secret")
    asking = asyncio.create_task(Terminal().ask(question))
    if len(sys.argv) > 3:
        asyncio.get_running_loop().add_signal_handler(10, asking.cancel)
    try:
        print("answer:", repr(await asking))
    except asyncio.CancelledError:
        print("cancelled")
    import threading
    left = [each for each in threading.enumerate() if "terminal" in each.name]
    for each in left:
        each.join(5)
    print("threads:", [each.name for each in left if each.is_alive()])

assert is_there()
asyncio.run(main())
"""


def test_a_secret_is_not_shown_and_the_echo_comes_back() -> None:
    with Typist(ASK, "password", "secret") as typist:
        assert typist.echoes()
        typist.wait_for("Tell me: ")
        assert not typist.echoes()
        typist.type("open sesamee\x7f\n")
        assert "answer: 'open sesame'" in typist.output()
        typist.wait_for("\r\n")
        assert "sesame" not in typist.screen
        assert typist.echoes()


def test_what_is_no_secret_is_shown() -> None:
    with Typist(ASK, "host key", "open") as typist:
        typist.wait_for("Tell me: ")
        assert typist.echoes()
        typist.type("yes\n")
        typist.wait_for("yes")
        assert "answer: 'yes'" in typist.output()


@pytest.mark.parametrize("keys", ["\x03", "half\x03", "\x04"])
def test_ctrl_c_and_ctrl_d_decline_and_end_nothing_else(keys: str) -> None:
    with Typist(ASK, "password", "secret") as typist:
        typist.wait_for("Tell me: ")
        typist.type(keys)
        assert "answer: None\nthreads: []" in typist.output()
        assert typist.process.returncode == 0
        assert typist.echoes()


@pytest.mark.parametrize(
    ("typed", "answer"), [("y", "yes"), ("Yes", "yes"), ("", "no"), ("x", "no")]
)
def test_a_confirmation_is_yes_or_no(typed: str, answer: str) -> None:
    with Typist(ASK, "confirm", "open") as typist:
        typist.wait_for("Tell me: ")
        typist.type(f"{typed}\n")
        assert f"answer: {answer!r}" in typist.output()


def test_cancelling_closes_the_question_and_leaves_no_thread() -> None:
    with Typist(ASK, "password", "secret", "cancel") as typist:
        typist.wait_for("Tell me: ")
        typist.process.send_signal(signal.SIGUSR1)
        assert "cancelled\nthreads: []" in typist.output()
        assert typist.echoes()


def test_control_characters_of_a_server_are_not_sent_to_the_terminal() -> None:
    with Typist(ASK.replace("Tell me: ", "\\x1b]0;x\\x07Tell me: "), "code", "secret") as typist:
        typist.wait_for("Tell me: ")
        typist.type("1\n")
        typist.output()
        assert "?]0;x?Tell me: " in typist.screen


BACKGROUND = """
import os, sys
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    import asyncio
    from sshpyk_core.prompting.terminal import Terminal, is_there
    from sshpyk_core.types import Question
    print(is_there(), asyncio.run(Terminal().ask(Question("password", "Tell me: "))), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_program_in_the_background_asks_nothing() -> None:
    with Typist(BACKGROUND) as typist:
        assert typist.output() == "False None\n"


WHO = """
import sys
from sshpyk_core.prompting.person import find_person
if "server" in sys.argv:
    from jupyter_server.serverapp import ServerApp
    print(type(find_person()).__name__)
    ServerApp.instance()
print(type(find_person()).__name__)
"""


def test_a_terminal_is_asked_but_not_that_of_a_jupyter_server() -> None:
    with Typist(WHO, SSHPYK_ASK="") as typist:
        assert typist.output() == "Terminal\n"
    with Typist(WHO, SSHPYK_ASK="never") as typist:
        assert typist.output() == "NoneType\n"
    with Typist(WHO, "server", SSHPYK_ASK="") as typist:
        assert typist.output() == "Terminal\nNoneType\n"
    askpass = {"SSH_ASKPASS": "/bin/cat", "SSHPYK_ASK": ""}
    with Typist(WHO, "server", DISPLAY=":9", **askpass) as typist:
        assert typist.output() == "Terminal\nAskpass\n"
    with Typist(WHO, SSH_ASKPASS_REQUIRE="force", **askpass) as typist:
        assert typist.output() == "Askpass\n"
    with Typist(WHO, SSH_ASKPASS_REQUIRE="prefer", **askpass) as typist:
        assert typist.output() == "Terminal\n"
    with Typist(WHO, SSH_ASKPASS_REQUIRE="prefer", WAYLAND_DISPLAY="w", **askpass) as typist:
        assert typist.output() == "Askpass\n"
    with Typist(WHO, "server", SSH_ASKPASS_REQUIRE="never", DISPLAY=":9", **askpass) as typist:
        assert typist.output() == "Terminal\nNoneType\n"
