"""Every model can be reached: by the program, by a program for developers, or from a page."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.docs_pages import ROOT

HOOKS = (ROOT / "chipdse/cli/pytest_plugin.py", ROOT / "chipdse/report/page/serve.py")
"""Files with functions that pytest and `http.server` find by their names."""
PRODUCT = ("chipdse", "hdl", "benchmarks", "tools", "docs", "README.md")


def texts() -> Iterator[tuple[Path, str]]:
    for name in PRODUCT:
        path = ROOT / name
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.suffix in (".py", ".md", ".c"):
                yield file, file.read_text(encoding="utf-8")


def public_functions(tree: ast.Module) -> Iterator[str]:
    """Functions and methods that a module offers."""
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) else []
        for function in (node, *members):
            if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
                yield function.name


@pytest.mark.slow
def test_no_public_function_serves_tests_alone() -> None:
    files = dict(texts())
    words = Counter(word for text in files.values() for word in re.findall(r"[A-Za-z_]\w+", text))
    declared = Counter[str]()
    places = {}
    for file, text in files.items():
        if file.is_relative_to(ROOT / "chipdse") and file.suffix == ".py" and file not in HOOKS:
            for name in public_functions(ast.parse(text)):
                declared[name] += 1
                places[name] = file.relative_to(ROOT).as_posix()
    restated = "chipdse/system/restated/"
    alone = [
        f"{place}: {name}"
        for name, place in places.items()
        if words[name] <= declared[name] and not place.startswith(restated)
    ]
    assert not alone, "call it, describe it on a page with an example, or remove it"


def test_messages_name_sections_of_the_readme() -> None:
    sections = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    for file, text in texts():
        if file.is_relative_to(ROOT / "chipdse"):
            for name in re.findall(r"README, '([^']+)'", text):
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
