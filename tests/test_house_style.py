"""What a reader may rely on everywhere: imports go one way, the public API is what it says."""

import ast
import functools
import graphlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chipdse_hdl import BLOCKS

import chipdse

ROOT = Path(__file__).parents[1]
# From the bottom up; a room imports from its own level or below. A room is a folder without
# folders in it; a file beside folders stands alone. docs/developers/architecture.md prints this.
LADDER = {
    "chipdse": [
        ["arrays"],
        ["__init__", "errors", "kept", "paths", "secret_names"],
        ["store"],
        ["kernels"],
        ["numerics", "reading", "sorting"],
        ["records", "technology", "units"],
        ["netlist", "system", "tools", "trace_metrics"],
        ["blocks", "characterise", "metrics"],
        ["application", "hardware"],
        ["design"],
        ["stages"],
        ["evaluate"],
        ["export", "study"],
        ["report"],
        ["api"],
        ["cli"],
        ["__main__"],
    ],
    "chipdse.netlist": [
        ["__init__"],
        ["library"],
        ["netlist"],
        ["timing", "verilog"],
        ["activity", "layout", "parasitics"],
        ["power"],
    ],
    "chipdse.study": [
        ["__init__", "question"],
        ["storage"],
        ["results"],
        ["harvest", "search"],
        ["running"],
    ],
    "chipdse.system": [
        ["__init__", "metrics", "models"],
        ["parameters"],
        ["thermal"],
        ["arrays", "restated"],
        ["evaluate", "power_map", "temperature_map"],
        ["described"],
        ["each_die", "ranges", "system_file"],
    ],
    "chipdse.report": [
        ["__init__", "counted", "history", "importance", "pictures", "quantities", "terminal"],
        ["answer", "ranges"],
        ["page"],
        ["figures"],
    ],
}
SOURCES = sorted(ROOT.glob("chipdse/**/*.py"))
HARDWARE = sorted(ROOT.glob("hdl/chipdse_hdl/**/*.py"))


def module_of(path: Path) -> str:
    """``chipdse.netlist.library.cells`` for its file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part not in ("hdl", "__init__"))


MODULES = {module_of(path): path for path in [*SOURCES, *HARDWARE]}


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """A file's syntax tree, parsed once for all tests."""
    return ast.parse(path.read_text())


@functools.cache
def statements(path: Path) -> tuple[ast.AST, ...]:
    """All statements of a file, without the expressions in them, which are most of a tree."""
    found: list[ast.AST] = list(tree_of(path).body)
    for node in found:  # it grows
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            inside = getattr(node, part, [])
            found += inside if isinstance(inside, list) else []
    return tuple(found)


def imports(body: list[ast.stmt]) -> Iterator[str]:
    """Modules imported when a module is imported: not inside functions or for types only."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from {name if name in MODULES else node.module for name in full}
        elif isinstance(node, ast.If | ast.Try) and "TYPE_CHECKING" not in ast.dump(node):
            yield from imports(node.body)


@functools.cache
def imported(module: str) -> frozenset[str]:
    """Modules of ours that a module imports."""
    names = imports(tree_of(MODULES[module]).body)
    return frozenset(name for name in names if name in MODULES and name != module)


def part_of(package: str, module: str) -> str | None:
    """The part of a package in which a module lies; None outside it."""
    if module == package:
        return "__init__"
    inside = module.startswith(f"{package}.")
    return module.removeprefix(f"{package}.").split(".")[0] if inside else None


@pytest.mark.slow
@pytest.mark.parametrize("package", LADDER)
def test_imports_go_down_only(package: str) -> None:
    levels = {part: level for level, parts in enumerate(LADDER[package]) for part in parts}
    for module in MODULES:
        part = part_of(package, module)
        if part is None:
            continue
        for name in imported(module):
            other = part_of(package, name)
            if other is not None and other != part:
                assert levels[other] < levels[part], f"{module} imports {name}"


def room_of(module: str) -> str:
    """The folder of a module, or the module itself where folders lie beside it."""
    folder = MODULES[module].parent
    has_folders = any((child / "__init__.py").is_file() for child in folder.iterdir())
    is_package = MODULES[module].name == "__init__.py"
    return module if is_package or has_folders else module.rpartition(".")[0]


@pytest.mark.parametrize("room_name", [room_of, str], ids=["rooms", "modules"])
def test_no_circles(room_name: Callable[[str], str]) -> None:
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        mine = graph.setdefault(room_name(module), set())
        mine |= {room_name(name) for name in imported(module)} - {room_name(module)}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError with the circle


def named_anywhere(module: str) -> frozenset[str]:
    """Modules that a file of a block imports, also inside functions and for types only."""
    names: set[str] = set()
    for node in ast.walk(tree_of(MODULES[module])):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= set(imports([node]))
    return frozenset(names - {module})


BLOCK_MODULES = [name for name in MODULES if name.startswith("chipdse_hdl")]


def test_blocks_have_no_circles_even_for_types() -> None:
    graph = {name: named_anywhere(name) & set(BLOCK_MODULES) for name in BLOCK_MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError with the circle


def needed_by(module: str) -> set[str]:
    """All modules that a file of a block imports, directly or by those that it imports."""
    needed: set[str] = set()
    waiting = [module]
    while waiting:
        new = named_anywhere(waiting.pop()) - needed
        needed |= new
        waiting += [name for name in new if name in MODULES]
    return needed


@pytest.mark.quick_cases(4)
@pytest.mark.parametrize("block", BLOCKS)
def test_parts_of_a_block_depend_on_no_more_than_they_need(block: str) -> None:
    # What a stage depends on is found from imports: an edit of the hardware must not simulate
    # anew where the RTL stays, and an edit of the reference must not elaborate anew.
    package = f"chipdse_hdl.{block}"
    for part in ("parameters", "model", "bench"):
        needed = needed_by(f"{package}.{part}")
        assert not {name for name in needed if name.partition(".")[0] == "amaranth"}, part
    needed = needed_by(f"{package}.hardware")
    assert not {name for name in needed if name.endswith((".model", ".bench"))}
    listed = {"chipdse_hdl", *(f"chipdse_hdl.{name}" for name in BLOCKS)}
    for name in BLOCK_MODULES:
        if name.startswith(f"{package}."):
            assert not named_anywhere(name) & listed, f"{name} imports from a list of names"


def test_no_crowded_folder() -> None:
    folders = Counter(path.parent for path in [*SOURCES, *HARDWARE, *ROOT.glob("tests/**/*.py")])
    crowded = {str(folder): count for folder, count in folders.items() if count > 21}
    assert not crowded


LONGEST_FILE, LONGEST_FUNCTION = 400, 60
"""Most lines of a file, and of a function without its docstring."""


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    described = first.end_lineno - first.lineno + 1 if docstring else 0
    return function.end_lineno - function.lineno + 1 - described


def test_no_long_file_or_function() -> None:
    long = []
    for module, path in MODULES.items():
        text = path.read_text()
        if text.count("\n") > LONGEST_FILE:
            long.append(module)
        long += [
            f"{module}.{node.name}"
            for node in statements(path)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and lines_of(node) > LONGEST_FUNCTION
        ]
    assert not long


@pytest.mark.parametrize("path", HARDWARE, ids=lambda path: str(path.relative_to(ROOT)))
def test_hdl_knows_nothing_of_chipdse(path: Path) -> None:
    names = {name.partition(".")[0] for name in imports(tree_of(path).body)}
    assert "chipdse" not in names


MODELS = [
    path
    for path in SOURCES
    if path.is_relative_to(ROOT / "chipdse/system") and path.name != "system_file.py"
]


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


def fields_of(module: str) -> Iterator[tuple[str, str]]:
    """Fields of the classes of a module: class and field, and the declared type."""
    for node in statements(MODULES[module]):
        for field in node.body if isinstance(node, ast.ClassDef) else []:
            if isinstance(field, ast.AnnAssign):
                yield f"{node.name}.{ast.unparse(field.target)}", ast.unparse(field.annotation)


def test_records_state_the_types_of_their_fields() -> None:
    # As `Design.parameters: Any` once did, such a field hides from mypy all that is read from it.
    untyped = [
        f"{module}.{field}"
        for module in MODULES
        for field, kind in fields_of(module)
        if kind in ("Any", "Any | None", "object") or kind.startswith("tuple[Any")
    ]
    assert not untyped


PRIVATE_TO_OPTUNA = re.compile(
    r"optuna[\w.]*\._|(?<!self)\._(study_id|trial_id|storage)\b|_backend\b|\b_get_trials\b"
)


STATE = {
    "chipdse/stages/library.py": ["_RESOLVED"],
    "chipdse/store/loaded.py": ["_LOADED"],
    "chipdse/store/place.py": ["_DIGESTS"],
    "chipdse/store/recording/active.py": ["ACTIVE"],
    "chipdse/store/recording/bench_reads.py": ["_SEEN"],
    "chipdse/store/recording/digests.py": ["REPLACED"],
    "chipdse/store/recording/environment.py": ["_LISTED"],
    "chipdse/store/recording/notes.py": ["_BY_OWNER", "_BY_FILE"],
    "chipdse/store/recording/recorder.py": ["_HOOKED", "LIBRARIES"],
    "chipdse/study/storage/code.py": ["_CODES"],
}
"""What a process has to remember: what was read, loaded and seen, by whom, and in which state."""


def test_other_values_that_a_process_keeps_are_kept_in_one_way() -> None:
    """By `functools` or by `chipdse.kept`: bounded, and nothing but a function of the key."""
    state: dict[str, list[str]] = {}
    for path in [*SOURCES, *HARDWARE]:
        for node in tree_of(path).body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict | ast.List):
                is_empty = not (getattr(node.value, "keys", []) or getattr(node.value, "elts", []))
            else:
                is_empty = isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call)
                is_empty = is_empty and ast.unparse(node.value) in ("set()", "dict()", "list()")
            if is_empty and isinstance(node, ast.AnnAssign):
                state.setdefault(str(path.relative_to(ROOT)), []).append(ast.unparse(node.target))
    assert state == STATE


def test_one_module_names_what_is_private_to_optuna() -> None:
    # A minor release of Optuna may rename it: there must be one place to look and to mend.
    sources = [*SOURCES, *ROOT.glob("benchmarks/**/*.py")]
    found = {path.name for path in sources if PRIVATE_TO_OPTUNA.search(path.read_text())}
    assert found == {"optuna_private.py"}


UNCLEAR = ("one", "found", "made", "own", "hot", "green", "about", "whole")
"""Words that name no thing, so that a reader has to look up what is meant."""
SPELLINGS = "|".join(change(word) for word in UNCLEAR for change in (str, str.upper, str.title))
PERHAPS_GIVEN = re.compile(rf"\b_{{0,2}}(?:{SPELLINGS})_?(?: *[=:,)(]| in\b)")
"""Where a file may give such a name; few files must be parsed to know."""
BITS = {  # in these files the bits 0 and 1 are meant
    "chipdse/netlist/activity/glitches/cubes.py",
    "chipdse/netlist/activity/replay/graph.py",
    "chipdse/netlist/activity/waveform/vcd_changes.py",
    "hdl/chipdse_hdl/gates/network.py",
    "tools/sram_fit.py",
}


def given_names(path: Path) -> Iterator[str]:
    """Names that a file gives to functions, classes, parameters, attributes and variables."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["chipdse", "hdl", "benchmarks", "tools", "docs", "sweeps"])
def test_names_name_something(folder: str) -> None:
    unclear = {}
    for path in sorted(ROOT.glob(f"{folder}/**/*.py")):
        if PERHAPS_GIVEN.search(path.read_text()) is None:
            continue
        name = str(path.relative_to(ROOT))
        words = {given.strip("_").lower() for given in given_names(path)} & set(UNCLEAR)
        if words - ({"one"} if name in BITS else set()):
            unclear[name] = words
    assert not unclear
