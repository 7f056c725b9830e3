"""What a visitor of the repository finds: its files are there and agree with one another."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import chipdse

ROOT = Path(__file__).parents[1]
FILES = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md"),
    *("LICENSE", "NOTICE", "CITATION.cff", ".pre-commit-config.yaml", ".github/dependabot.yml"),
    ".github/PULL_REQUEST_TEMPLATE.md",
    *(f".github/ISSUE_TEMPLATE/{name}.yml" for name in ("fault", "question", "wrong_number")),
    *(f".github/workflows/{name}.yml" for name in ("ci", "docs", "release")),
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_there(name: str) -> None:
    assert (ROOT / name).read_text().strip()


def described(function: ast.FunctionDef) -> set[str]:
    """Names of the parameters that a docstring describes."""
    section = re.search(r"Parameters\n-+\n(.*?)(\n\n|\Z)", ast.get_docstring(function) or "", re.S)
    lines = re.findall(r"^(\w+(?:, \w+)*) : ", section[1], re.M) if section else []
    return {name for line in lines for name in line.split(", ")}


def public_functions(path: Path) -> Iterator[ast.FunctionDef]:
    """Functions of a module, and methods of its classes, whose names have no underscore."""
    tree = ast.parse(path.read_text())
    for owner in (tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))):
        for node in owner.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield node


@pytest.mark.parametrize("path", sorted(ROOT.glob("chipdse/api/*.py")), ids=lambda path: path.stem)
def test_every_parameter_of_the_api_is_described(path: Path) -> None:
    for function in public_functions(path):
        parts = function.args
        names = {part.arg for part in (*parts.posonlyargs, *parts.args, *parts.kwonlyargs)}
        assert names - {"self"} <= described(function), function.name


def test_the_version_is_stated_once_and_is_that_of_the_changelog() -> None:
    heading = re.search(r"^## (\S+) \((.*)\)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert heading is not None
    release, date = heading.groups()
    expected = f"{release}.dev0" if date == "unreleased" else release
    assert chipdse.__version__ == expected
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"] == {"path": "chipdse/__init__.py"}
    assert not re.search(r"^version:", (ROOT / "CITATION.cff").read_text(), re.M)


def test_continuous_integration_tests_every_python_that_the_project_names() -> None:
    named = [
        text.rpartition(" ")[2]
        for text in PROJECT["project"]["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", text)
    ]
    matrix = re.search(r"python: \[(.*)\]", (ROOT / ".github/workflows/ci.yml").read_text())
    assert matrix is not None and re.findall(r"3\.\d+", matrix[1]) == named
    assert PROJECT["project"]["requires-python"] == f">={named[0]}"


@pytest.mark.parametrize("workflow", ["ci", "docs"])
def test_workflows_run_targets_that_exist(workflow: str) -> None:
    text = (ROOT / f".github/workflows/{workflow}.yml").read_text()
    runs = re.findall(r"^ +- run: make (\w+|\$\{\{.*?\}\})", text, re.M)
    named = [re.findall(r"'([a-z-]+)'(?= \|\| '| \}\})", run) or [run] for run in runs]
    rules = re.findall(r"^([\w -]+):", (ROOT / "Makefile").read_text(), re.M)
    assert runs
    assert {target for targets in named for target in targets} <= set(" ".join(rules).split())


def test_actions_that_workflows_use_are_watched_for_new_versions() -> None:
    watched = (ROOT / ".github/dependabot.yml").read_text()
    assert {"pip", "github-actions"} == {*re.findall(r"package-ecosystem: (\S+)", watched)}


def test_hooks_run_programs_that_the_test_group_installs() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    installed = {
        re.split(r"[\[<>=]", entry)[0] for entry in PROJECT["dependency-groups"]["test"][:-1]
    }
    assert {*re.findall(r"entry: (\S+)", hooks)} <= installed


def test_the_licence_is_the_same_everywhere() -> None:
    licence = PROJECT["project"]["license"]
    assert f"license: {licence}\n" in (ROOT / "CITATION.cff").read_text()
    assert licence in (ROOT / "CONTRIBUTING.md").read_text()
    for name in PROJECT["project"]["license-files"]:
        assert (ROOT / name).is_file()
