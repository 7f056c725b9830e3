"""Blocks in Verilog or SystemVerilog: a TOML file states sources and parameters.

summary = "saturating counter"
sources = ["counter.sv"]             # relative to this file; "package:path" in a Python package
include = []                         # folders of `include
defines = { SYNTHESIS = "1" }
reader = "auto"                      # "yosys", "slang": chipdse.hardware.read_verilog
top = "counter"
clock = "clk"
reset = "rst_n"                      # "" if there is none
reset_active = "low"
bench = "bench_counter"              # cocotb test module beside this file; none: random inputs
rules = ["WIDTH >= 2 * STEP"]
cycles = "length + 10"               # of a run, roughly: chooses the simulator
reads = ["table.csv"]                # files that results depend on and chipdse cannot see
environment = ["MODE"]               # variables of that kind

[parameters]                         # of the top; those left out keep their values
WIDTH = { default = 8, min = 2, max = 64, doc = "bits of the count" }
[workload]
length = { default = 500, min = 1, doc = "clock cycles" }
[program]                            # of a RISC-V core: chipdse.blocks.programs
[work]                               # the useful work of one run
unit = "count"
count = "length"
input_bits = "2 * length"
output_bits = "WIDTH * length"
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Record, Work, parameter
from chipdse_hdl.riscv.program import MEMORY_BYTES

from chipdse.blocks.expressions import Expression, parse_expression
from chipdse.blocks.imports import make_importable
from chipdse.blocks.own import (
    RANDOM_BENCH,
    SCALARS,
    OwnBlock,
    RandomWorkload,
    VerilogSource,
    make_record_type,
)
from chipdse.blocks.programs import KEYS as PROGRAM_KEYS
from chipdse.blocks.programs import (
    NUMBERS,
    SHIPPED,
    ProgramTable,
    default_program,
    fields_of,
    names_of,
)
from chipdse.blocks.verilog_files import named_paths
from chipdse.errors import DesignError
from chipdse.reading import read_toml
from chipdse.tools import is_identifier

_KEYS = {
    "summary",
    "sources",
    "include",
    "defines",
    "top",
    "clock",
    "reset",
    "reset_active",
    "bench",
    "rules",
    "cycles",
    "parameters",
    "workload",
    "work",
    "reader",
    "reads",
    "environment",
    "program",
}
_FIELD_KEYS = {"default", "min", "max", "choices", "doc"}
_SUFFIXES = (".v", ".sv")
READERS = ("auto", "yosys", "slang")
# Names behind a backslash in Verilog, as far as they mean nothing else in a script.
_ESCAPED = re.compile(r"[A-Za-z_0-9$][\w$.:/<>\[\]=,+-]*", re.ASCII)


def read_verilog_block(path: Path) -> OwnBlock:
    """Read and check a block description.

    Raises
    ------
    DesignError : the file, its key, the offending value, and what to write
    """
    return _Reader(path).block()


def _find(name: str, folder: str) -> OwnBlock:
    return read_verilog_block(Path(folder) / name)


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = read_toml(path, f"block {str(path)!r}")
        for key in self.data:
            if key not in _KEYS:
                raise self.wrong(key, f"is not known here; known: {', '.join(sorted(_KEYS))}")

    def wrong(self, key: str, why: str) -> DesignError:
        return DesignError(f"{self.path}: {key} {why}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.get(key, default)
        if value is None:
            raise self.wrong(key, f'is missing; write {key} = "..."')
        if not isinstance(value, str):
            raise self.wrong(key, f"= {value!r} must be text")
        if not value.isprintable():
            raise self.wrong(key, f"= {value!r} has a control character; write it without")
        return value

    def module(self) -> str:
        """The name of the top, as tools know it; of an escaped one what is behind the backslash."""
        given = self.text("top")
        name = given.removeprefix("\\").removesuffix(" ")
        if not is_identifier(name) and not _ESCAPED.fullmatch(name):
            raise self.wrong(
                "top", f"= {given!r} is no name of a module: letters, digits, _ and $, not first"
            )
        return name

    def port(self, key: str, default: str) -> str:
        """The name of a port, empty if there is none."""
        given = self.text(key, default)
        name = given.removeprefix("\\").removesuffix(" ")
        if re.search(r"\s", name):
            raise self.wrong(key, f"= {given!r} is no name of a port; it has a blank")
        return name

    def table(self, key: str) -> dict[str, Any]:
        table = self.data.get(key, {})
        if not isinstance(table, dict):
            raise self.wrong(key, f"= {table!r} must be a table; write [{key}]")
        return table

    def block(self) -> OwnBlock:
        verilog = self._verilog()
        level = self.text("reset_active", "high")
        if level not in ("high", "low"):
            raise self.wrong("reset_active", f'= {level!r} must be "high" or "low"')
        bench = self.text("bench", "")
        if bench and not all(part.isidentifier() for part in bench.split(".")):
            raise self.wrong("bench", f"= {bench!r} is no name of a Python module")
        make_importable(self.path.parent)
        parameters = self._record("parameters", self._rules())
        if not bench and "workload" in self.data:
            raise self.wrong("workload", "is given without a bench, which would read it")
        program = self._program(set(names_of(parameters)))
        workload = self._record("workload", [], program) if bench else RandomWorkload
        names = {*names_of(parameters), *names_of(workload)}
        names |= set(NUMBERS) if program else set()
        return OwnBlock(
            name=str(self.path),
            summary=self.text("summary", "no summary")
            + ("" if bench else " (no bench: random inputs, nothing is checked)"),
            parameters=parameters,
            workload=workload,
            hardware=_no_component,
            bench=bench or RANDOM_BENCH,
            work=self._work(names, program),
            cycles=self._cycles(names, program),
            folder=str(self.path.parent),
            find=_find,
            reads=self._texts("reads"),
            environment=self._texts("environment"),
            clock=self.port("clock", "clk"),
            reset=self.port("reset", "") or None,
            reset_level=int(level == "high"),
            verilog=verilog,
        )

    def _verilog(self) -> VerilogSource:
        sources = self._files("sources", Path.is_file)
        if not sources:
            raise self.wrong("sources", 'names no file; write sources = ["top.sv"]')
        for source in sources:
            if source.suffix not in _SUFFIXES:
                raise self.wrong("sources", f"has {source.name!r}; Verilog ends in .v or .sv")
        defines = self.table("defines")
        for name, value in defines.items():
            if not is_identifier(name):
                raise self.wrong("defines", f"has {name!r}, which is no name of a macro")
            if type(value) not in SCALARS or not str(value).isprintable():
                raise self.wrong("defines", f"has {name} = {value!r}; write a number or text")
        reader = self.text("reader", "auto")
        if reader not in READERS:
            raise self.wrong("reader", f"= {reader!r} is not one of {', '.join(READERS)}")
        return VerilogSource(
            sources=sources,
            include=self._files("include", Path.is_dir),
            defines=tuple((name, str(value)) for name, value in defines.items()),
            top=self.module(),
            reader=reader,
        )

    def _files(self, key: str, exists: Callable[[Path], bool]) -> tuple[Path, ...]:
        given = self.data.get(key, [])
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            raise self.wrong(key, f"= {given!r} must be a list of paths")
        files: list[Path] = []
        for name in given:
            if not name.isprintable():
                raise self.wrong(key, f"names {name!r}, which has a control character")
            try:
                paths = named_paths(name, self.path.parent)
            except DesignError as error:
                raise self.wrong(key, str(error)) from None
            for path in paths:
                if not str(path).isprintable():
                    text = f"names {str(path)!r}, whose folder has a control character or one that "
                    raise self.wrong(key, f"{text}this locale has not; rename the folder")
                if not exists(path):
                    raise self.wrong(key, f"names {name!r}, which is not there: {path}")
            files += paths
        return tuple(dict.fromkeys(files))

    def _texts(self, key: str) -> tuple[str, ...]:
        given = self.data.get(key, [])
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            raise self.wrong(key, f'= {given!r} must be a list of texts, e.g. ["name"]')
        return tuple(given)

    def _program(self, parameters: set[str]) -> ProgramTable | None:
        """The table `[program]`; None where there is none."""
        if "program" not in self.data:
            return None
        table = self.table("program")
        if "bench" not in self.data:
            raise self.wrong("program", "is given without a bench, which would run it")
        if "program" in self.table("workload"):
            raise self.wrong("workload.program", "is the field of [program]; rename one")
        for key in table:
            if key not in PROGRAM_KEYS:
                raise self.wrong(f"program.{key}", f"is not known; use {', '.join(PROGRAM_KEYS)}")
        default, entry = table.get("default", "quicksort"), table.get("start_at_entry", False)
        if default not in SHIPPED and not (type(default) is str and default.endswith(".elf")):
            raise self.wrong(
                "program.default",
                f"= {default!r} must be an ELF file (.elf) or one of {', '.join(SHIPPED)}",
            )
        if type(entry) is not bool:
            raise self.wrong("program.start_at_entry", f"= {entry!r} must be true or false")
        size = table.get("memory_bytes", MEMORY_BYTES)
        if type(size) is not int or not 4 <= size <= 2**32:
            raise self.wrong("program.memory_bytes", f"= {size!r} must be from 4 to 2^32")
        return ProgramTable(
            default=default_program(default, self.path.parent.absolute()),
            registers=self._number("program.registers", table.get("registers", 32), parameters),
            start_at_entry=entry,
            memory_bytes=size,
        )

    def _record(
        self, key: str, rules: list[Expression], program: ProgramTable | None = None
    ) -> type:
        for name in self.table(key):
            if not is_identifier(name) or "$" in name or name.startswith("__"):
                raise self.wrong(key, f"has {name!r}; write a name of letters, digits and _")
            if keyword.iskeyword(name):
                raise self.wrong(key, f"has {name!r}, a word of Python; give it another name")
        fields = {
            name: self._field(f"{key}.{name}", entry) for name, entry in self.table(key).items()
        }
        fields |= fields_of(program)
        for rule in rules:
            for name in sorted(rule.names - set(fields)):
                raise self.wrong("rules", f"speak of {name!r}, which is not in [parameters]")

        def check(record: Record) -> None:
            if program is not None:
                program.execution(record)
            for rule in rules:
                if not rule.value(vars(record), "rule"):
                    given = ", ".join(f"{name}={getattr(record, name)!r}" for name in rule.names)
                    raise ValueError(f"{given} does not meet the rule {rule.text!r}")

        return make_record_type(key.capitalize(), fields, check)

    def _field(self, key: str, entry: Any) -> Any:
        if not isinstance(entry, dict):
            entry = {"default": entry}
        for name in entry:
            if name not in _FIELD_KEYS:
                raise self.wrong(
                    f"{key}.{name}", f"is not known; use {', '.join(sorted(_FIELD_KEYS))}"
                )
        if "default" not in entry:
            raise self.wrong(key, "has no default; write e.g. { default = 8, min = 2, max = 64 }")
        default, choices = entry["default"], entry.get("choices")
        if type(default) not in SCALARS:
            raise self.wrong(f"{key}.default", f"= {default!r} is no number, text or true/false")
        if choices is not None and (not isinstance(choices, list) or default not in choices):
            raise self.wrong(f"{key}.choices", f"= {choices!r} must be a list with the default")
        for bound in ("min", "max"):
            if bound in entry and type(entry[bound]) not in (int, float):
                raise self.wrong(f"{key}.{bound}", f"= {entry[bound]!r} must be a number")
        return parameter(
            default,
            str(entry.get("doc", "")),
            minimum=entry.get("min"),
            maximum=entry.get("max"),
            choices=tuple(choices) if choices is not None else None,
        )

    def _rules(self) -> list[Expression]:
        given = self.data.get("rules", [])
        if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
            raise self.wrong("rules", f"= {given!r} must be a list of texts")
        return [parse_expression(text, f"{self.path}: rule") for text in given]

    def _number(self, key: str, given: Any, names: set[str]) -> Expression:
        if type(given) not in (int, str):
            raise self.wrong(key, f"= {given!r} must be a whole number or an expression as text")
        expression = parse_expression(str(given), f"{self.path}: {key}")
        for name in sorted(expression.names - names):
            raise self.wrong(
                key, f"speaks of {name!r}; known: {', '.join(sorted(names)) or 'nothing'}"
            )
        return expression

    def _cycles(self, names: set[str], program: ProgramTable | None) -> Callable[[Any, Any], int]:
        default = "1000" if "bench" in self.data else "length"
        expression = self._number("cycles", self.data.get("cycles", default), names)
        return lambda parameters, workload: int(
            expression.value(_values(parameters, workload, program), "cycles")
        )

    def _work(self, names: set[str], program: ProgramTable | None) -> Callable[[Any, Any], Work]:
        given: Mapping[str, Any] = self.table("work")
        known = ("unit", "count", "input_bits", "output_bits")
        for key in given:
            if key not in known:
                raise self.wrong(f"work.{key}", f"is not known; use {', '.join(known)}")
        if not given and "bench" not in self.data:
            given = {"unit": "clock cycle", "count": "length", "input_bits": 0, "output_bits": 0}
        for key in known:
            if key not in given:
                raise self.wrong(
                    f"work.{key}", "is missing; [work] states the useful work of one run"
                )
        unit = given["unit"]
        if not isinstance(unit, str):
            raise self.wrong("work.unit", f'= {unit!r} must be text, e.g. "result"')
        terms = {key: self._number(f"work.{key}", given[key], names) for key in known[1:]}

        def work(parameters: Record, workload: Record) -> Work:
            given = _values(parameters, workload, program)
            values = {key: int(term.value(given, f"work.{key}")) for key, term in terms.items()}
            return Work(unit=unit, **values)

        return work


def _values(parameters: Record, workload: Record, program: ProgramTable | None) -> dict[str, Any]:
    """What expressions of work and cycles may use."""
    numbers = {} if program is None else program.numbers(parameters, workload)
    values: dict[str, Any] = vars(parameters) | vars(workload)
    return values | numbers


def _no_component(parameters: Record) -> Any:
    raise DesignError("a block in Verilog has no Amaranth component")
