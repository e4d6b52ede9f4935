"""The page on writing a transport shows the examples as they are."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from pathlib import Path

import pytest
from sshpyk_core.declaration import Capability
from sshpyk_core.transport_kit import options
from support.examples import EXAMPLES
from support.source_tree import ROOT

from sshpyk_core import declaration, errors

PAGE = ROOT / "docs/writing-a-transport.md"
TEXT = PAGE.read_text(encoding="utf-8")
QUOTED = re.findall(r"^\[`[^`]+`\]\(([^)]+)\):\n\n```\w+\n(.*?)^```$", TEXT, re.M | re.S)
"""Each file that is quoted, as a link from the page, and what is quoted of it."""

TRANSPORT = EXAMPLES / "sshpyk-command"
WHOLE = [
    TRANSPORT / "pyproject.toml",
    TRANSPORT / "tests/test_conformance.py",
    *(path for path in TRANSPORT.rglob("src/**/*.py") if path.name != "__init__.py"),
]


def files() -> list[Path]:
    """Every Python file of the examples."""
    return sorted(EXAMPLES.glob("*/src/**/*.py"))


@pytest.mark.parametrize(("link", "quoted"), QUOTED, ids=[link for link, _ in QUOTED])
def test_what_is_quoted_is_in_the_file(link: str, quoted: str) -> None:
    assert quoted in (PAGE.parent / link).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name)
def test_the_transport_is_shown_whole(path: Path) -> None:
    link = path.relative_to(PAGE.parent).as_posix()
    assert dict(QUOTED)[link] == path.read_text(encoding="utf-8")


def test_no_code_is_shown_that_no_test_holds() -> None:
    """But for how a declaration looks, which is compiled and checked here."""
    blocks = re.findall(r"^```(?:python|toml)\n(.*?)^```$", TEXT, re.M | re.S)
    (other,) = [block for block in blocks if block not in {quoted for _, quoted in QUOTED}]
    namespace: dict[str, object] = {}
    exec(compile(other, str(PAGE), "exec"), namespace)
    assert isinstance(namespace["DECLARATION"], declaration.Declaration)


@pytest.mark.parametrize("example", sorted(path.parent for path in EXAMPLES.glob("*/README.md")))
def test_every_example_is_linked(example: Path) -> None:
    for page in (PAGE, EXAMPLES / "README.md"):
        link = (example / "README.md").relative_to(page.parent).as_posix()
        assert f"]({link})" in page.read_text(encoding="utf-8")


def capabilities() -> list[tuple[str, str, str]]:
    """Every capability with its word and what it means, from the source."""
    tree = ast.parse(inspect.getsource(Capability))
    (body,) = [node.body for node in tree.body if isinstance(node, ast.ClassDef)]
    said = {}
    for member, meaning in itertools.pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(meaning, ast.Expr):
            (name,) = member.targets
            assert isinstance(name, ast.Name)
            said[name.id] = " ".join(ast.literal_eval(meaning.value).split())
    return [(one.name, one.value, said[one.name]) for one in Capability]


def test_the_table_of_capabilities_is_the_enum() -> None:
    section = TEXT.partition("\n## Capabilities\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \| `([\w-]+)` \| (.+) \|$", section, re.M) == capabilities()


def test_every_kind_of_option_is_listed() -> None:
    section = TEXT.partition("\n## Kinds of options\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)", section, re.M))
    others = {"OptionFacts", "OptionValueError", "describe", "option", "parse"}
    assert listed == set(options.__all__) - others


def test_every_error_of_a_transport_is_listed() -> None:
    section = TEXT.partition("\n## Errors\n")[2].partition("\n## ")[0]
    kinds = [getattr(errors, name) for name in errors.__all__]
    wanted = [
        kind for kind in kinds if issubclass(kind, (errors.ConnectError, errors.SessionError))
    ]
    general = (errors.SessionError, errors.HostKeyError)
    assert [
        kind.__name__ for kind in wanted if kind not in general and kind.__name__ not in section
    ] == []


@pytest.mark.parametrize("path", files(), ids=lambda path: path.parent.name + "/" + path.name)
def test_the_examples_are_small(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= 100
