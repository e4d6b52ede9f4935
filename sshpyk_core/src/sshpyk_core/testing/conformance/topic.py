"""The base of the suite's parts: it lets coroutine tests run without a plugin of pytest's."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from sshpyk_core.testing.conformance.runner import run

__all__ = ["Topic"]


class Topic:
    """Some standard tests about one thing; each test takes the fixture ``trial``."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Make plain functions of the class's coroutine tests."""
        super().__init_subclass__(**options)
        for name, value in list(vars(cls).items()):
            if name.startswith("test") and inspect.iscoroutinefunction(value):
                setattr(cls, name, _plain(value))


def _plain(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def plain(*arguments: Any, **fixtures: Any) -> None:
        __tracebackhide__ = True
        run(test(*arguments, **fixtures))

    return plain
