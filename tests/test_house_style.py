"""What a reader may rely on everywhere: imports go one way, the public API is what it says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import chipdse

ROOT = Path(__file__).parents[1]
# From the bottom up; a module imports from its own level or below. hdl knows nothing of chipdse.
LADDER = [
    {"errors", "units", "paths", "numerics", "reading", "records", "__init__"},
    {"store"},
    {"technology"},
    {"netlist", "system"},
    {"hardware"},
    {"design", "metrics", "operating", "physical", "analysis", "measure", "evaluate"}
    | {"cell_library"},
    {"study"},
    {"report", "export"},
    {"api", "point", "cli", "__main__"},
]
SOURCES = sorted(ROOT.glob("chipdse/**/*.py"))


def level(part: str) -> int:
    return next(number for number, parts in enumerate(LADDER) if part in parts)


def imports(body: list[ast.stmt]) -> Iterator[str]:
    """Modules imported when a module is imported: not inside functions or for types only."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.If | ast.Try) and "TYPE_CHECKING" not in ast.dump(node):
            yield from imports(node.body)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    own = level(path.relative_to(ROOT / "chipdse").parts[0].removesuffix(".py"))
    for name in imports(ast.parse(path.read_text()).body):
        if name.startswith("chipdse."):
            assert level(name.split(".")[1]) <= own, f"{path.name} imports {name} from above"


@pytest.mark.parametrize("path", sorted(ROOT.glob("hdl/**/*.py")), ids=lambda path: path.name)
def test_hdl_knows_nothing_of_chipdse(path: Path) -> None:
    names = {name.partition(".")[0] for name in imports(ast.parse(path.read_text()).body)}
    assert "chipdse" not in names


MODELS = [path for path in SOURCES if path.parent.name == "system" and path.name != "load.py"]


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_models_open_no_files(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\bopen\(|\.read_text\(|\.write_text\(|subprocess", text)


def test_the_public_api_is_exact() -> None:
    assert len(chipdse.__all__) <= 10
    for name in chipdse.__all__:
        assert callable(getattr(chipdse, name)), f"a module hides chipdse.{name}"
        assert getattr(chipdse, name).__doc__
    with pytest.raises(AttributeError):
        _ = chipdse.nothing
