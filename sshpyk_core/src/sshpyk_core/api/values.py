"""The values of the Python API: what came of running code, and which kernels run on a host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sshpyk_core.running_kernels import RunningKernel

__all__ = ["CodeError", "KernelInfo", "Message", "Output", "Result"]

Message = dict[str, Any]
"""One message of a kernel, with ``header``, ``parent_header``, ``content``, ``buffers`` and more.

The kinds are those of https://jupyter-client.readthedocs.io/en/stable/messaging.html.
"""

_BUNDLES = ("display_data", "execute_result", "update_display_data")


@dataclass(frozen=True)
class CodeError:
    """The exception that ended some code, as the kernel tells it.

    Attributes:
        name: of its class.
        value: its text.
        traceback: lines for a terminal, with its colours.
    """

    name: str
    value: str
    traceback: tuple[str, ...] = ()


@dataclass(frozen=True)
class Output:
    """Something that code displayed, or its value.

    Attributes:
        data: by MIME type; those that are not text are base64, as Jupyter has them.
        metadata: of those.
        is_result: whether it is the value of the last expression.
        display_id: under which it may be replaced later; empty for most.
    """

    data: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_result: bool = False
    display_id: str = ""


@dataclass(frozen=True)
class Result:
    """What came of running code.

    Attributes:
        status: ``ok``, ``error``, or ``aborted`` if the kernel passed over it or does not tell.
        text: all that went to standard output.
        errors: all that went to standard error.
        outputs: what it displayed, in order; one that was updated is there once, as it was last.
        error: the exception that ended it; None without one.
        execution_count: the number of the cell; None where the kernel gives none.
        cut_short: whether some of its messages are missing: the kernel had to drop them, or became
            idle without a reply after an interrupt.
    """

    status: Literal["ok", "error", "aborted"]
    text: str = ""
    errors: str = ""
    outputs: tuple[Output, ...] = ()
    error: CodeError | None = None
    execution_count: int | None = None
    cut_short: bool = False

    @property
    def value(self) -> str | None:
        """The value of the last expression as plain text; None without one."""
        values = [each for each in self.outputs if each.is_result]
        text = values[-1].data.get("text/plain") if values else None
        return None if text is None else str(text)

    @classmethod
    def of(cls, messages: Iterable[Message], *, cut_short: bool = False) -> Result:
        """Put the messages of one execution together, its ``execute_reply`` among them."""
        reply: Mapping[str, Any] = {}
        streams = {"stdout": "", "stderr": ""}
        outputs: list[Output] = []
        error: CodeError | None = None
        for message in messages:
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "stream" and content.get("name") in streams:
                streams[content["name"]] += content.get("text", "")
            elif kind in _BUNDLES:
                _display(outputs, _output(kind, content))
            elif kind == "error":
                error = _error(content)
            elif kind == "execute_reply":
                reply = content
        status = reply.get("status") or ("error" if error else None)
        return cls(
            status="ok" if status == "ok" else "error" if status == "error" else "aborted",
            text=streams["stdout"],
            errors=streams["stderr"],
            outputs=tuple(outputs),
            error=error or (_error(reply) if status == "error" else None),
            execution_count=reply.get("execution_count"),
            cut_short=cut_short,
        )


def _error(content: Mapping[str, Any]) -> CodeError:
    lines = tuple(str(line) for line in content.get("traceback") or ())
    return CodeError(str(content.get("ename", "")), str(content.get("evalue", "")), lines)


def _output(kind: str, content: Mapping[str, Any]) -> Output:
    return Output(
        data=dict(content.get("data") or {}),
        metadata=dict(content.get("metadata") or {}),
        is_result=kind == "execute_result",
        display_id=str((content.get("transient") or {}).get("display_id") or ""),
    )


def _display(outputs: list[Output], new: Output) -> None:
    """Add an output, in the place of the one that it updates."""
    for number, old in enumerate(outputs):
        if new.display_id and old.display_id == new.display_id:
            outputs[number] = new
            return
    outputs.append(new)


@dataclass(frozen=True)
class KernelInfo:
    """A kernel that runs on a host; what the host does not tell is None.

    Attributes:
        id: what ``attach`` takes; the first digits are enough where they are unique.
        kernel: name of its kernel spec there.
        name: what the program that started it called it; a notebook's path for Jupyter's.
        owner: the user and the machine that had it started.
        since: when that was, in seconds since the epoch by the host's clock.
        attached: whether a program holds it now.
        ends_at: when it ends if no program comes; None while one is attached, and for ones that
            stay.
        pid: its process on the host; None while none runs.
        memory: bytes of the host's memory that it uses.
        reachable: whether its supervisor answers; if not, the rest is as old as its state file.
    """

    id: str
    kernel: str | None
    name: str | None
    owner: str | None
    since: float | None
    attached: bool | None
    ends_at: float | None
    pid: int | None
    memory: int | None
    reachable: bool

    @classmethod
    def of(cls, found: RunningKernel) -> KernelInfo:
        """Make the value of what the host told."""
        return cls(
            id=found.name,
            kernel=found.kernel,
            name=found.session_name,
            owner=found.owner,
            since=found.since,
            attached=found.attached,
            ends_at=found.ends_at,
            pid=found.pid,
            memory=found.memory,
            reachable=found.answers,
        )
