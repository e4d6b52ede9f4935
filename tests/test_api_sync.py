"""Programs without an event loop use kernels on other machines."""

from __future__ import annotations

import inspect
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sshpyk_core.api import sync
from support.far import FarSide

from sshpyk_core import api

pytestmark = pytest.mark.ways(servers=["sshd"], why="a program here does not see it")

ENDLESS = "print('begun', flush=True)\nwhile True: pass"
OTHERWISE_NAMED = {"aclose": "close"}


@contextmanager
def there(far: FarSide, **settings: Any) -> Iterator[sync.RemoteHost]:
    """Be connected to the host by the name of a kernel spec."""
    with sync.connect(spec="far", **settings) as host:
        yield host


def test_every_verb_is_there_without_an_event_loop_and_waits(far: FarSide) -> None:
    with there(far) as host, host.start() as kernel:
        assert (host.alias, kernel.host, kernel.name) == (far.server.alias, host.alias, "python3")
        assert kernel.run("print(6 * 7)").text == "42\n"
        assert [each.id for each in host.kernels()] == [kernel.id]
        printed = [
            message["content"]["text"]
            for message in kernel.stream("print('as it comes')")
            if message["header"]["msg_type"] == "stream"
        ]
        assert "".join(printed) == "as it comes\n"
        assert list(kernel.missed()) == []
        kernel.restart()
        assert kernel.returncode is None
    assert far.left_behind() == []


def test_ctrl_c_interrupts_the_code_that_one_waits_for(far: FarSide) -> None:
    with there(far) as host:
        kernel = host.start()
        main = threading.main_thread().ident
        threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            kernel.run(ENDLESS)
        assert kernel.run("6 * 7").value == "42"


@pytest.mark.parametrize("name", ["Kernel", "RemoteHost"])
def test_the_two_have_the_same_verbs_with_the_same_words(name: str) -> None:
    blocking, asynchronous = getattr(sync, name), getattr(api, name)
    for verb, function in vars(asynchronous).items():
        if not verb.startswith("_"):
            twin = vars(blocking)[OTHERWISE_NAMED.get(verb, verb)]
            if inspect.isfunction(function):
                assert inspect.signature(twin) == inspect.signature(function)
                assert twin.__doc__ == function.__doc__
                assert not inspect.iscoroutinefunction(twin)
