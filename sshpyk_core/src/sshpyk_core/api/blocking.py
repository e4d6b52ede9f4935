"""Makes blocking verbs of asynchronous ones: same arguments, types and documentation."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from sshpyk_core.background import background

__all__ = ["Blocking", "Reading", "entering", "iterating", "waiting", "wrapping"]

P = ParamSpec("P")
A = TypeVar("A")
S = TypeVar("S")
T = TypeVar("T")

CANCEL_PATIENCE = 10.0
"""Seconds that work may take to come to its end when it is given up."""


class Blocking(Generic[A]):
    """Something with blocking verbs around the same with asynchronous ones."""

    def __init__(self, asynchronous: A) -> None:
        """Wrap it; from the asynchronous API one would get it without this."""
        self._asynchronous = asynchronous

    def __repr__(self) -> str:
        """Name what it is around."""
        return repr(self._asynchronous)


class Reading(Generic[A, T]):
    """An attribute that is that of the asynchronous one."""

    def __init__(self, get: Callable[[A], T]) -> None:
        """Say how to get it."""
        self._get = get

    def __get__(self, instance: Blocking[A], owner: object = None) -> T:
        """Give it."""
        return self._get(instance._asynchronous)


def waiting(
    verb: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Blocking[A], P], T]:
    """Make a verb that waits for the asynchronous one."""
    return wrapping(verb, lambda value: value)


def wrapping(
    verb: Callable[Concatenate[A, P], Coroutine[Any, Any, S]], wrap: Callable[[S], T]
) -> Callable[Concatenate[Blocking[A], P], T]:
    """Make a verb that waits for the asynchronous one and wraps what it gives."""

    @functools.wraps(verb)
    def wait(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return wrap(call(verb(self._asynchronous, *args, **kwargs)))

    return wait


def iterating(
    verb: Callable[Concatenate[A, P], AsyncIterator[T]],
) -> Callable[Concatenate[Blocking[A], P], Iterator[T]]:
    """Make an iterator that waits for each value of the asynchronous one."""

    @functools.wraps(verb)
    def iterate(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        values = verb(self._asynchronous, *args, **kwargs)
        end: Any = object()
        try:
            while (value := call(_next(values, end))) is not end:
                yield value
        finally:
            close = getattr(values, "aclose", None)
            if close is not None:
                call(close())

    return iterate


def entering(
    manager: Callable[P, AbstractAsyncContextManager[S]], wrap: Callable[[S], T]
) -> Callable[P, AbstractContextManager[T]]:
    """Make a context manager that waits for the asynchronous one and wraps what it gives."""

    @functools.wraps(manager)
    @contextmanager
    def enter(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        within = manager(*args, **kwargs)
        value = call(within.__aenter__())
        try:
            yield wrap(value)
        finally:
            call(within.__aexit__(None, None, None))

    return enter


async def _next(values: AsyncIterator[T], end: T) -> T:
    return await anext(values, end)


def call(work: Coroutine[Any, Any, T]) -> T:
    """Wait for work on the background loop.

    Ctrl+C here cancels it, and waits for what it does about that.
    """
    ended = threading.Event()

    async def noted() -> T:
        try:
            return await work
        finally:
            ended.set()

    future = asyncio.run_coroutine_threadsafe(noted(), background.loop)
    try:
        return future.result()
    except BaseException:
        if future.cancel():
            ended.wait(CANCEL_PATIENCE)
        raise
