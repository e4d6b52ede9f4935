"""What pytest loads wherever sshpyk-core is installed, so it imports nothing of sshpyk by itself.

It lets failures of the conformance suite show their values, and checks the suite's classes and
tests once more when they are collected, after whatever a module did to them.
"""

from __future__ import annotations

import sys

import pytest

__all__ = ["pytest_collection_modifyitems", "pytest_pycollect_makeitem"]

_SUITE = "sshpyk_core.testing.conformance.suite"

pytest.register_assert_rewrite("sshpyk_core.testing.conformance")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> None:
    """Refuse to collect a class of the suite that lacks a standard test without a reason."""
    suite = sys.modules.get(_SUITE)
    if suite is not None and isinstance(obj, type):
        try:
            suite.verify_class(obj)
        except TypeError as error:
            raise collector.CollectError(str(error)) from error


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a run in which a mark lets a standard test off without a reason."""
    suite = sys.modules.get(_SUITE)
    if suite is not None:
        try:
            for item in items:
                suite.verify_test(item)
        except TypeError as error:
            raise pytest.UsageError(str(error)) from error
