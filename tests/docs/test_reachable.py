"""Every model can be reached: by the program, by a program for developers, or from a page."""

from __future__ import annotations

import ast
import re
import textwrap

import pytest

from tests.docs.test_docs_run import python_that_runs
from tests.support.docs_pages import ROOT
from tests.support.source_code.uses import Uses, modules_in

RESTATED = "chipdse.system.restated"
ROOTS = (
    "chipdse.cli",
    "chipdse.api",
    "chipdse.__main__",
    "chipdse.blocks.bench_start",
    "chipdse_hdl",
)
"""Modules whose every function is used from outside: verbs, Python's interface, what cocotb starts,
blocks."""
PRODUCT = ("chipdse", "hdl", "benchmarks", "tools", "docs")
CALLED_BY_OTHERS = {"runtest", "reportinfo", "do_GET", "log_message"}
"""Methods that pytest and `http.server` find by their names."""


@pytest.fixture(scope="module")
def uses() -> Uses:
    return Uses(modules=modules_in("chipdse", "hdl"))


@pytest.fixture(scope="module")
def examples() -> list[ast.Module]:
    """Python of the pages which tests run as it stands."""
    return [ast.parse(listing.text) for listing in python_that_runs()]


@pytest.mark.slow
def test_every_definition_serves_a_verb_an_interface_or_an_example(
    uses: Uses, examples: list[ast.Module]
) -> None:
    """Also constants and private functions; `tools` write what ships."""
    start = {key for key in uses.statements if key[0].startswith(ROOTS)}
    for tree in (*examples, *modules_in("tools").values()):
        start |= uses.used_by(tree)
    reached = uses.reached_from(start, without=RESTATED)
    alone = [
        ".".join(definition)
        for definition in uses.statements
        if definition not in reached
        and not definition[0].startswith(RESTATED)
        and not definition[1].startswith("__")
    ]
    assert not alone, "call it, give an example on a page, move it to `restated/`, or remove it"


@pytest.mark.slow
def test_what_is_restated_serves_comparisons_alone(uses: Uses) -> None:
    start = {key for key in uses.statements if not key[0].startswith(RESTATED)}
    users = {
        ".".join(definition)
        for definition in start
        for used in uses.uses[definition]
        if used[0].startswith(RESTATED)
    }
    assert not users


@pytest.mark.slow
def test_every_public_method_is_called(uses: Uses) -> None:
    """By its name, somewhere in the product, a program for developers or an example."""
    programs = (path for name in PRODUCT for path in sorted((ROOT / name).rglob("*.py")))
    texts = [path.read_text(encoding="utf-8") for path in programs]
    texts += [listing.text for listing in python_that_runs()]
    called = {name for text in texts for name in re.findall(r"""(?:\.|["'])([a-z]\w+)""", text)}
    alone = [
        f"{module}.{name}.{method.name}"
        for (module, name), statement in uses.statements.items()
        if isinstance(statement, ast.ClassDef) and not module.startswith((RESTATED, "chipdse_hdl"))
        for method in statement.body
        if isinstance(method, ast.FunctionDef)
        if method.name[0] != "_" and method.name not in called | CALLED_BY_OTHERS
    ]
    assert not alone, "call it, give an example on a page, or remove it"


def test_a_function_that_only_itself_calls_is_not_reached() -> None:
    text = """
        from b import handed_on
        LIMIT = 3
        def verb(): return handed_on() + LIMIT
        def island(): return island() or bridge()
        def bridge(): return LIMIT
    """
    other = "from c import handed_on"
    last = "import a\ndef handed_on(): return a.LIMIT"
    modules = {
        name: ast.parse(textwrap.dedent(source))
        for name, source in {"a": text, "b": other, "c": last}.items()
    }
    reached = Uses(modules=modules).reached_from({("a", "verb")}, without="restated")
    assert reached == {("a", "verb"), ("a", "LIMIT"), ("c", "handed_on")}


def test_messages_name_sections_of_the_readme() -> None:
    sections = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    for file in sorted((ROOT / "chipdse").rglob("*.py")):
        for name in re.findall(r"README, '([^']+)'", file.read_text(encoding="utf-8")):
            assert name in sections, file


def test_the_changelog_names_releases_as_they_are() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    releases = re.findall(r"^## (\S+) \((.+)\)$", changelog, re.MULTILINE)
    version = re.search(r'^__version__ = "(.+)"$', (ROOT / "chipdse/__init__.py").read_text(), re.M)
    assert version is not None
    assert releases[0] == (version[1].partition(".dev")[0], "unreleased")
    for _, state in releases[1:]:
        assert re.fullmatch(r"never published|\d{4}-\d\d-\d\d", state), state
    sections = re.findall(r"^##+ .+$", changelog, re.MULTILINE)
    for release in re.split(r"^## .+$", changelog, flags=re.MULTILINE)[1:]:
        named = re.findall(r"^### (.+)$", release, re.MULTILINE)
        assert named == [name for name in ("Added", "Changed", "Fixed") if name in named]
        assert named, sections
