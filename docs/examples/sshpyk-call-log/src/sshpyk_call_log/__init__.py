"""Log every call of every transport: the host, the hook, how it ended, how long it took.

What is carried is never logged: no command, no path, no content, and of an error only its class.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Generator
from typing import Any

from sshpyk_core.hookspecs import hookimpl
from sshpyk_core.types import Session, Target

log = logging.getLogger(__name__)

Wrapper = Generator[None, Awaitable[Any], Awaitable[Any]]


@hookimpl(wrapper=True, tryfirst=True)
def sshpyk_connect(target: Target) -> Wrapper:
    """Log a connection."""
    return (yield from logged("connect", target))


@hookimpl(wrapper=True, tryfirst=True)
def sshpyk_upload(session: Session) -> Wrapper:
    """Log an upload."""
    return (yield from logged("upload", session.target))


@hookimpl(wrapper=True, tryfirst=True)
def sshpyk_launch(session: Session) -> Wrapper:
    """Log the start of a command; it goes on after that."""
    return (yield from logged("launch", session.target))


@hookimpl(wrapper=True, tryfirst=True)
def sshpyk_forward(session: Session) -> Wrapper:
    """Log the start of a forward."""
    return (yield from logged("forward", session.target))


@hookimpl(wrapper=True, tryfirst=True)
def sshpyk_signal(session: Session) -> Wrapper:
    """Log a signal."""
    return (yield from logged("signal", session.target))


@hookimpl(wrapper=True, tryfirst=True)
def sshpyk_diagnose(target: Target) -> Wrapper:
    """Log a diagnosis."""
    return (yield from logged("diagnose", target))


def logged(hook: str, target: Target) -> Wrapper:
    """Wrap one call: what comes back is a coroutine that nobody has awaited yet."""
    try:
        call = yield
    except Exception as error:  # another plugin said no; the transport was not asked
        note(hook, target, type(error).__name__, 0.0)
        raise
    return timed(hook, target, call)


async def timed(hook: str, target: Target, call: Awaitable[Any]) -> Any:
    """Await the call and log how it ended; the answer and the error pass unchanged."""
    began = time.perf_counter()
    outcome = "ok"
    try:
        return await call
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    except Exception as error:
        outcome = type(error).__name__
        raise
    finally:
        note(hook, target, outcome, time.perf_counter() - began)


def note(hook: str, target: Target, outcome: str, seconds: float) -> None:
    """Write one line."""
    log.info("%s %s %s: %s, %.3f s", target.transport, target.alias, hook, outcome, seconds)
