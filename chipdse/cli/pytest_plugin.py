"""A pytest plugin: the blocks of a project are found, and their benches run as tests.

`pytest` finds blocks in the files it looks through: Python files with a `Block(...)` at their top
level, and TOML files that describe Verilog (`sources` and `top`). Each is a test at its default
parameters and, with ``chipdse_corners``, at corners of its parameter space. What fails leaves its
waveform in ``chipdse_waves``; pytest's own ``--junit-xml`` reports it all. See docs/howto/ci.md.
"""

from __future__ import annotations

import ast
import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chipdse.reading import parse_toml, toml_text

if TYPE_CHECKING:
    from chipdse_hdl.block import Block, Record

    from chipdse.errors import ToolError
    from chipdse.hardware.simulate import Simulation

LOG_LINES = 50
"""So many last lines of the log of a failing bench are in reports."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare what a project can choose."""
    group = parser.getgroup("chipdse", "benches of hardware blocks")
    group.addoption("--no-benches", action="store_true", help="do not look for hardware blocks")
    group.addoption("--chipdse-corners", help="number of corners at which each bench runs too")
    parser.addini(
        "chipdse_blocks", "more blocks: package.module:attribute or FILE.toml", "linelist"
    )
    parser.addini("chipdse_corners", "corners of each parameter space to run too", default="0")
    parser.addini("chipdse_waves", "folder for the waveforms of what fails", default="waves")
    parser.addini("chipdse_simulator", "auto, icarus or verilator", default="auto")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A file with blocks, if this is one."""
    if parent.config.getoption("--no-benches") or file_path.suffix not in (".py", ".toml"):
        return None
    if references := list(_references(file_path)):
        return BlockFile.from_parent(parent, path=file_path, references=references)
    return None


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the blocks that the project names."""
    named = config.getini("chipdse_blocks")
    if not named or config.getoption("--no-benches") or config.args_source.name == "ARGS":
        return
    file = BlockFile.from_parent(session, path=config.rootpath / "chipdse", references=named)
    file.folder = config.rootpath
    known = {item.nodeid.rpartition("::")[2] for item in items if isinstance(item, BenchItem)}
    items += [item for item in file.collect() if item.name not in known]


def _references(path: Path) -> Iterator[str]:
    """References to the blocks that a file defines, without importing it."""
    if path.suffix == ".toml":
        try:
            data = parse_toml(toml_text(path))
        except (OSError, ValueError):
            return
        if isinstance(data.get("sources"), list) and isinstance(data.get("top"), str):
            yield path.name
        return
    if path.name.startswith("test_") or path.name == "conftest.py":
        return
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text) if "Block(" in text else ast.Module(body=[], type_ignores=[])
    except (OSError, ValueError, SyntaxError):
        return
    for node in tree.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] == "Block":
            names = (target.id for target in targets if isinstance(target, ast.Name))
            yield from (f"{_module(path)}:{name}" for name in names)


def _module(path: Path) -> str:
    """The name to import a file by: packages upwards have an ``__init__.py``."""
    parts = [path.stem]
    for folder in path.parents:
        if not (folder / "__init__.py").is_file():
            break
        parts.insert(0, folder.name)
    return ".".join(parts)


class BlockFile(pytest.File):
    """A file that defines blocks."""

    def __init__(self, *, references: list[str], **more: Any) -> None:
        super().__init__(**more)
        self.references = references
        self.folder = self.path.parent

    def collect(self) -> list[BenchItem]:
        """The default parameters of each block, and corners of its parameter space."""
        from chipdse.blocks.corners import corners_of
        from chipdse.design import find_block
        from chipdse.errors import DesignError

        chosen = self.config.getoption("--chipdse-corners") or self.config.getini("chipdse_corners")
        if not str(chosen).isdigit():
            raise pytest.UsageError(f"chipdse_corners = {chosen!r} must be a whole number")
        items = []
        for reference in self.references:
            try:
                block = find_block(reference, self.folder)
                records = [block.parameters()]
                if int(chosen):
                    records += corners_of(block.parameters, {}, int(chosen)).records
            except DesignError as error:
                raise self.CollectError(str(error)) from error
            for parameters in dict.fromkeys(records):
                shown = [f"{k}={v}" for k, v in dataclasses.asdict(parameters).items()]
                name = f"{reference}[{' '.join(shown)}]"
                items.append(
                    BenchItem.from_parent(self, name=name, block=block, parameters=parameters)
                )
        return items


class BenchItem(pytest.Item):
    """One run of a block's bench."""

    def __init__(self, *, block: Block, parameters: Record, **more: Any) -> None:
        super().__init__(**more)
        self.block, self.parameters, self.simulator = block, parameters, ""

    def runtest(self) -> None:
        """Run it; if it fails, run it again with waves and keep them."""
        from chipdse.blocks.own import is_checked
        from chipdse.errors import MachineError, ToolError

        if not is_checked(self.block):
            pytest.skip(f"{self.block.name} has no bench: nothing would be checked")
        try:
            run = self._simulate(waves=False)
        except MachineError:
            raise
        except ToolError as error:
            self._tell_failure(error)
            raise BenchError(f"{error}{self._waves_of_failure()}") from error
        self._remove_waves()
        self.user_properties += [("simulator", run.simulator), ("cycles", run.cycles)]

    def _simulate(self, *, waves: bool) -> Simulation:
        from chipdse.hardware import simulators
        from chipdse.hardware.elaborate import elaborate
        from chipdse.hardware.simulate import simulate
        from chipdse.store.store import Store, default_store

        store = Store(root=default_store())
        rtl = elaborate(self.block, self.parameters, store)
        simulator = self.config.getini("chipdse_simulator")
        workload = self.block.workload()
        cycles = self.block.cycles(self.parameters, workload)
        tool = simulators.pick(simulator, rtl.verilog.stat().st_size, cycles)
        self.simulator = f"{tool.name} {tool.version}"
        return simulate(
            self.block, self.parameters, workload, rtl, store, simulator=simulator, waves=waves
        )

    def _tell_failure(self, error: ToolError) -> None:
        """Put the simulator, the parameters and the end of the log into reports such as JUnit's."""
        shown = " ".join(f"{k}={v}" for k, v in dataclasses.asdict(self.parameters).items())
        self.user_properties += [("simulator", self.simulator), ("parameters", shown)]
        if error.log is not None and error.log.is_file():
            lines = error.log.read_text(encoding="utf-8", errors="replace").splitlines()
            self.user_properties.append(("log", "\n".join(lines[-LOG_LINES:])))

    def _waves_file(self, suffix: str) -> Path:
        """Where the waveform of a failure of this bench is kept."""
        safe = "".join(c if c.isalnum() or c in "=._-" else "_" for c in self.name)
        folder: Path = self.config.rootpath / self.config.getini("chipdse_waves")
        return folder / f"{safe[:150]}{suffix}"

    def _remove_waves(self) -> None:
        """Remove the waveform of an earlier failure: the bench passes now."""
        for suffix in (".fst", ".vcd"):
            self._waves_file(suffix).unlink(missing_ok=True)

    def _waves_of_failure(self) -> str:
        """The same run with waves, kept where people find them; says where."""
        from chipdse.errors import ToolError

        try:
            self._simulate(waves=True)
        except ToolError as error:
            folder = error.log.parent if error.log is not None else None
            files = [
                path
                for name in ("waves.fst", "dump.vcd")
                if folder is not None and (path := folder / name).exists()
            ]
            if files:
                self._remove_waves()  # another simulator writes another format
                target = self._waves_file(files[0].suffix)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(files[0], target)
                self.user_properties.append(("waves", str(target)))
                return f"\nwaves: {target}"
        return ""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What the bench said, not where in chipdse it was found out."""
        from chipdse.errors import ChipdseError

        if isinstance(excinfo.value, ChipdseError | BenchError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is, for reports."""
        return self.path, None, f"bench of {self.name}"


class BenchError(Exception):
    """A bench failed; the message is for people."""
