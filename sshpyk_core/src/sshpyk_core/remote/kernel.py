"""The kernel's process: started, watched, signalled, reaped."""

import contextlib
import json
import os
import signal
import subprocess
from typing import Any, Callable, Dict, List, Mapping, Optional

from . import identity, launch, parent_death, ports, state
from .output import Output
from .reactor import Reactor, Timer

PROBE_INTERVAL = 0.01
"""Seconds between looks at whether the kernel listens: nothing tells when it does."""

SETTLE = 10.0
"""Seconds after which a kernel that lives but does not listen yet counts as started."""

END_PATIENCE = 2.0
"""Seconds that a killed process may take to end."""

OutcomeCallback = Callable[[Dict[str, Any]], None]


class Kernel:
    """One kernel: the same ports and connection file for all the processes that it has in turn."""

    def __init__(
        self, reactor: Reactor, directory: str, on_exit: Callable[[Dict[str, Any]], None]
    ) -> None:
        """Start without a process; ``on_exit`` is told how each one ended.

        Raises:
            OSError: there are no ports left.
        """
        self._reactor = reactor
        self._directory = directory
        self._on_exit = on_exit
        self._ports = ports.Ports()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._started: Optional[str] = None
        self.output = Output(reactor)
        self._fifo = -1
        self._outcome = b""
        self._name = ""
        self._session_name = ""
        self._timer: Optional[Timer] = None
        self._settle_left = 0.0
        self._on_outcome: List[OutcomeCallback] = []
        self._request: Dict[str, Any] = {}
        self.facts: Dict[str, Any] = {}
        self.generation = 0
        self.returncode: Optional[int] = None

    @property
    def ports(self) -> Dict[str, int]:
        """The kernel's five ports by name."""
        return self._ports.numbers

    @property
    def running(self) -> bool:
        """Whether there is a process now."""
        return self._process is not None

    @property
    def exited(self) -> bool:
        """Whether its process has ended, and nothing was made of that yet."""
        return self._process is not None and self._process.poll() is not None

    @property
    def settled(self) -> bool:
        """Whether it runs, and whoever had it started knows."""
        return self.running and not self._on_outcome

    @property
    def told(self) -> Dict[str, Any]:
        """What is told of it when it has started."""
        return dict(self.facts, ports=self.ports, **self.status())

    @property
    def awaited(self) -> bool:
        """Whether it may still come to listen: it runs, or was never started."""
        return self.running or not self.generation

    def description(self) -> Dict[str, Any]:
        """Say what it is, as far as that is known."""
        return {
            "kernel": self.facts.get("kernel_name"),
            "python": self.facts.get("python"),
            "session_name": self._session_name,
        }

    def access(self) -> Dict[str, Any]:
        """Give what somebody needs to talk to it: a secret, as its connection file is one."""
        path = os.path.join(self._directory, state.CONNECTION_FILE)
        mode = self.facts.get("interrupt_mode") or "signal"
        return {"connection": state.read_json(path), "interrupt_mode": mode}

    def status(self) -> Dict[str, Any]:
        """Say what is known of it now."""
        return {
            "generation": self.generation,
            "pid": self._process.pid if self._process is not None else None,
            "kernel_started": self._started if self._process is not None else None,
            "returncode": self.returncode,
        }

    # --- starting ----------------------------------------------------------------------------

    def launch(self, request: Mapping[str, Any], package: str, on_outcome: OutcomeCallback) -> None:
        """Start a process.

        Args:
            request: what the local side asked for; with ``again``, as the last one.
            package: path of the remote package.
            on_outcome: gets the facts when the kernel listens.

        Raises:
            StartError: it could not be started at all.
        """
        self.reap()
        if self._process is not None:
            raise launch.StartError("kernel", "the kernel runs already")
        if request.get("again"):
            request = self._request
            if not request:
                raise launch.StartError("kernel", "there was none before")
        self._request = dict(request)
        env = {k: v for k, v in os.environ.items() if k not in launch.VARIABLES}
        self._name = str(request.get("kernel_name"))
        self._session_name = str(request.get("session_name") or "")
        try:
            self.output.forget_tail()
            if request.get("precmd"):
                self._start_in_shell(request, package, env)
            else:
                prepared = launch.prepare(request, env, self._directory, self.ports)
                self.facts = prepared.facts
                self._popen(prepared.argv, prepared.env, prepared.cwd)
        except OSError as error:
            raise launch.StartError("kernel", "it cannot be executed: %s" % error) from error
        self.generation += 1
        self.returncode = None
        self.output.note("kernel %s started, pid %d" % (self._name, self.status()["pid"]))
        self._on_outcome = [on_outcome]
        self._settle_left = SETTLE
        self._probe()

    def when_settled(self, on_outcome: OutcomeCallback) -> None:
        """Give what comes of the start that is under way, or came of the last one."""
        if self.settled and not self.exited:
            on_outcome({"ok": self.told})
        else:
            self._on_outcome.append(on_outcome)

    def _start_in_shell(
        self, request: Mapping[str, Any], package: str, env: Dict[str, str]
    ) -> None:
        content = {"request": dict(request), "ports": self.ports}
        state.write_json(os.path.join(self._directory, launch.REQUEST_FILE), content)
        fifo = os.path.join(self._directory, launch.OUTCOME_FIFO)
        if not os.path.exists(fifo):
            os.mkfifo(fifo, 0o600)
        # Opened for writing too, so that there is no end of file before the shell has opened it.
        self._fifo = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        self._outcome = b""
        self.facts = {}
        env.update(launch.shell_variables(package, self._directory))
        self._popen(launch.shell_command(request["precmd"]), env, env.get("HOME") or "/")

    def _popen(self, argv: Any, env: Dict[str, str], cwd: str) -> None:
        output, child_output = os.pipe()
        try:
            self._process = subprocess.Popen(
                argv,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=child_output,
                stderr=child_output,
                start_new_session=True,
                restore_signals=True,
                preexec_fn=parent_death.dies_with(os.getpid()),  # noqa: PLW1509 (there is one thread)
            )
            self._started = identity.start_of(self._process.pid)
        except OSError:
            os.close(output)
            raise
        finally:
            os.close(child_output)
        self.output.follow(output)

    def _probe(self) -> None:
        """Look whether the kernel listens, and come back until it does."""
        self._read_fifo()
        late = self._settle_left <= 0 and self._fifo < 0
        if late or (self.facts and ports.listens(self.ports["hb"])):
            self._settled()
            return
        self._settle_left -= PROBE_INTERVAL
        self._timer = self._reactor.call_later(PROBE_INTERVAL, self._probe)

    def _settled(self) -> None:
        self._timer = None
        self._report({"ok": self.told})

    def _report(self, outcome: Dict[str, Any]) -> None:
        callbacks, self._on_outcome = self._on_outcome, []
        for each in callbacks:
            each(outcome)

    def _read_fifo(self) -> None:
        if self._fifo < 0:
            return
        try:
            self._outcome += os.read(self._fifo, 65536)
        except BlockingIOError:
            return
        for line in self._outcome.split(b"\n")[:-1]:
            self.facts = json.loads(line.decode("utf-8")).get("ok") or {}

    def _close_fifo(self) -> Optional[Dict[str, Any]]:
        """Stop listening to the shell; give the error that it reported, if it did."""
        if self._fifo < 0:
            return None
        self._read_fifo()
        os.close(self._fifo)
        self._fifo = -1
        error = None
        for line in self._outcome.split(b"\n")[:-1]:
            error = json.loads(line.decode("utf-8")).get("error")
        return error

    # --- running -----------------------------------------------------------------------------

    def signal(self, signum: int) -> bool:
        """Send a signal to the kernel's process group; False when there is no process.

        The process has not been reaped, so its number cannot have gone to another.
        """
        if self._process is None or self._process.poll() is not None:
            return False
        try:
            os.killpg(self._process.pid, signum)
        except ProcessLookupError:
            return False
        return True

    def reap(self) -> None:
        """Take note of the end of the process, if it has ended."""
        if self._process is None or self._process.poll() is None:
            return
        self.returncode = self._process.returncode
        pid, self._process = self._process.pid, None
        self.output.read()
        self.output.close()
        self.output.note("kernel %s ended with %s" % (self._name, ending(self.returncode)))
        if self._timer is not None:
            self._timer.cancel()
        error = self._close_fifo() or {"kind": "kernel", "message": self._epitaph(pid)}
        # In this order: who hears that a start has failed must know whether the process has ended.
        self._on_exit(dict(self.status(), tail=self.output.tail))
        self._report({"error": error})

    def _epitaph(self, pid: int) -> str:
        what = "it" if self.facts else "the shell that runs remote_precmd"
        tail = self.output.tail
        last = "its last words:\n%s" % tail if tail else "it wrote nothing"
        how = ending(self.returncode or 0)
        return "%s (pid %d) ended at once with %s; %s" % (what, pid, how, last)

    def end(self) -> None:
        """Make an end of the process and free what belongs to it."""
        self._on_outcome = []
        self.reap()
        if self.signal(signal.SIGKILL) and self._process is not None:
            # In an uninterruptible wait (a dead NFS server, say) it ends when that does.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_PATIENCE)
        self._process = None
        if self._timer is not None:
            self._timer.cancel()
        self.output.close()
        self._close_fifo()
        self._ports.release()


def ending(returncode: int) -> str:
    """Word how a process ended."""
    return "signal %d" % -returncode if returncode < 0 else "exit status %d" % returncode
