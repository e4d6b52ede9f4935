"""The documentation says what the code says."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
from sshpyk_core.config import KEYS, REQUIRED, Key
from support.source_tree import ROOT

from sshpyk_core import errors, hookspecs

HOOKS = [name for name in vars(hookspecs) if name.startswith("sshpyk_")]


def signature(hook: str) -> str:
    """A hook's signature as the specification writes it."""
    # The specifications are not evaluated annotations, so that a union reads as it is written.
    return f"{hook}{inspect.signature(getattr(hookspecs, hook))}".replace("'", "")


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_heading_with_its_signature(hook: str) -> None:
    page = (ROOT / "docs/hooks.md").read_text(encoding="utf-8")
    assert f"\n## `{signature(hook)}`\n" in page


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_test(hook: str) -> None:
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    assert any(hook in path.read_text(encoding="utf-8") for path in tests)


def test_every_error_of_a_session_is_in_the_documentation_of_the_hooks() -> None:
    page = (ROOT / "docs/hooks.md").read_text(encoding="utf-8")
    kinds = [
        name
        for name in errors.__all__
        if issubclass(getattr(errors, name), errors.ConnectError | errors.SessionError)
    ]
    assert [name for name in kinds if name not in page] == []


def pages() -> list[Path]:
    """Every page of the documentation."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("sshpyk_*/*.md")])


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_in_the_documentation_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", link):
            assert (page.parent / link).exists(), link


def default_as_written(key: Key) -> str:
    """The default of a key as the documentation has it."""
    if key.default is REQUIRED:
        return "required"
    whole = isinstance(key.default, float) and key.default.is_integer()
    return f"`{json.dumps(int(key.default) if whole else key.default)}`"


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_of_a_kernel_spec_is_described_with_its_default(key: Key) -> None:
    page = (ROOT / "docs/kernel-spec.md").read_text(encoding="utf-8")
    today, _, legacy = page.partition("## Kernel specs of sshpyk 1.x")
    rows = re.findall(r"^\| `(\w+)` \|[^|]+\| ([^|]+) \|", legacy if key.legacy else today, re.M)
    assert dict(rows).get(key.name) == default_as_written(key)


def test_no_key_is_described_that_does_not_exist() -> None:
    page = (ROOT / "docs/kernel-spec.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == {key.name for key in KEYS}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_in_json_can_be_read(page: Path) -> None:
    for example in re.findall(
        r"^```json\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S
    ):
        json.loads(example)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_in_python_compile(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for example in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
        compile(example, str(page), "exec")
