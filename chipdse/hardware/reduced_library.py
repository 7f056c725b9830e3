"""A Liberty library reduced to what Yosys and ABC use, as text, and what the flow must know of it.

The text is written for these two readers, which understand less Liberty than others: units are
spelled as ABC compares them, one attribute stands on a line, and strings that hold braces, comment
signs or quotes (which ABC does not know to be strings) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.netlist.library.liberty.head import LibertyHead
from chipdse.netlist.library.liberty.states import read_function
from chipdse.netlist.library.liberty.syntax import Group, LibertyFile, list_words, number
from chipdse.netlist.library.logic import Constant, Expression, Not, Variable
from chipdse.reading import as_text

_STATES = ("ff", "latch", "ff_bank", "latch_bank")
# Each kind of group that is kept.
_KINDS = {
    "operating_conditions",
    "type",
    "lu_table_template",
    "cell",
    "pin",
    "bus",
    "bundle",
    "timing",
    *_STATES,
    "cell_rise",
    "cell_fall",
    "rise_transition",
    "fall_transition",
}
_GATE = "clock_gating_integrated_cell"
# Cells that no synthesis should pick, which libraries do not always mark `dont_use`: isolation and
# level shifting, probes, spares, delays, bus holders, antenna diodes, fill, clock-tree drivers.
NEVER = re.compile(
    r"lpflow|probe|spare|dlygate|dlymetal|dly[a-d]_|clkdly|_hold|sighold|keeper|antenna|diode|tap"
    r"|decap|fill|endcap|^HB\d|clkbuf|clkinv|^CKINV|_ckbuf|_ckinv",
    re.IGNORECASE,
)
# The only time units that ABC reads; of any other it silently makes nanoseconds.
_ABC_TIME_UNITS = {1e-9: "1ns", 1e-10: "100ps", 1e-11: "10ps", 1e-12: "1ps"}
_UNREADABLE = re.compile(r"[{}\"]|//|/\*|[^ -~]")

Cells = dict[str, tuple[LibertyFile, Group]]


def reduce_library(files: Sequence[Path], contents: Sequence[bytes]) -> tuple[str, dict[str, Any]]:
    """The reduced text of one library, and the fields of its `MappingLibrary` besides the file.

    Parameters
    ----------
    contents : the unpacked bytes of each file

    Raises
    ------
    DesignError : not Liberty, files that do not belong together, or no cells to implement logic
    """
    heads: list[LibertyHead] = []
    shared: dict[tuple[str, str], Group] = {}  # templates and bus types
    cells: Cells = {}
    for path, content in zip(files, contents, strict=True):
        file = LibertyFile(as_text(content), path)
        head = LibertyHead(file, file.library(_KINDS))
        heads.append(head)
        _check_units(heads[0], head)
        for group in head.library.groups:
            name = group.name()
            if group.kind == "cell":
                if not name:
                    file.fail("a cell without a name; expected cell (NAME)", group.offset)
                if name in cells:
                    first_file = cells[name][0].path
                    file.fail(
                        f"cell {name!r} occurs twice (already in {first_file.name})", group.offset
                    )
                cells[name] = file, group
            elif group.kind in ("lu_table_template", "type"):
                first = shared.setdefault((group.kind, name), group)
                if first is not group and list(_lines(first)) != list(_lines(group)):
                    file.fail(
                        f"{group.kind} {name!r} differs from the one of this name before it",
                        group.offset,
                    )
    used = {name: cell for name, cell in cells.items() if not _is_excluded(name, cell[1])}
    record = _describe(heads[0], used)
    lines = [
        f"library ({_words(heads[0].library.arguments)}) {{",
        *_head_lines(heads[0]),
        *(line for group in shared.values() for line in _lines(group)),
        *(line for _, cell in used.values() for line in _lines(cell, timing=not _has_state(cell))),
        "}\n",
    ]
    return "\n".join(lines), record


def _check_units(first: LibertyHead, second: LibertyHead) -> None:
    if (first.time_s, first.capacitance_f) != (second.time_s, second.capacitance_f):
        raise DesignError(
            f"{second.file.path} has other units ({second.time_s:g} s, {second.capacitance_f:g} F) "
            f"than {first.file.path.name} ({first.time_s:g} s, {first.capacitance_f:g} F); "
            "files that are mapped together must have the same"
        )


def _head_lines(head: LibertyHead) -> Iterator[str]:
    """The library's own attributes, with the units as ABC reads them."""
    time = next(
        (name for unit, name in _ABC_TIME_UNITS.items() if abs(head.time_s / unit - 1) < 1e-9), None
    )
    if time is None:
        head.file.fail(
            f"time_unit is {head.library.text('time_unit')!r}; synthesis takes "
            f"{', '.join(_ABC_TIME_UNITS.values())}",
            head.library.offset,
        )
    name, unit = ("ff", 1e-15) if head.capacitance_f < 0.5e-12 else ("pf", 1e-12)
    yield f'time_unit : "{time}" ;'
    yield f"capacitive_load_unit ({head.capacitance_f / unit:.12g}, {name}) ;"
    yield from _attributes(head.library, {"time_unit", "capacitive_load_unit"})
    for group in head.library.of_kind("operating_conditions"):
        yield from _lines(group)


def _attributes(group: Group, left_out: set[str]) -> Iterator[str]:
    for name, value in group.simple.items():
        # Wire-load models are dropped, and so must be what names them: ABC looks for them.
        if name in left_out or name.startswith("default_wire_load"):
            continue
        quote = '"' if value.startswith('"') else ""
        inside = _one_line(value.removeprefix(quote).removesuffix(quote) if quote else value)
        if not _UNREADABLE.search(inside):
            yield f"{name} : {quote}{inside}{quote} ;"
    for name, arguments, _ in group.complex:
        words = _words(arguments)
        if name not in left_out and not _UNREADABLE.search(words.replace('"', "")):
            yield f"{name} ({words}) ;"


def _lines(group: Group, *, timing: bool = True) -> Iterator[str]:
    """A group as text, one attribute or brace per line; on request without its `timing` groups."""
    yield f"{group.kind} ({_words(group.arguments)}) {{"
    yield from _attributes(group, set())
    for inner in group.groups:
        if inner.kind != "cell" and (timing or inner.kind != "timing"):
            yield from _lines(inner, timing=timing)
    yield "}"


def _words(arguments: str) -> str:
    return ", ".join(map(_one_line, list_words(arguments)))


def _one_line(text: str) -> str:
    return " ".join(text.replace("\\\n", " ").replace("\\\r\n", " ").split())


def _is_excluded(name: str, cell: Group) -> bool:
    # Clock gates are often marked so that only clock gating picks them.
    marked = cell.is_true("dont_use") and _GATE not in cell.simple
    return marked or NEVER.search(name.split("__")[-1]) is not None


def _has_state(cell: Group) -> bool:
    """A cell that remembers: neither Yosys nor ABC reads its timing."""
    return bool(cell.of_kind(*_STATES)) or _GATE in cell.simple


def _describe(head: LibertyHead, cells: Mapping[str, tuple[LibertyFile, Group]]) -> dict[str, Any]:
    """Areas, tie cells, driving cell, and cells with a state."""
    area: dict[str, float] = {}
    ties: dict[bool, tuple[float, str, str]] = {}
    drivers: list[tuple[bool, float, str, float]] = []
    flip_flops: list[str] = []
    latches: list[str] = []
    gates: list[tuple[bool, float, str, dict[str, str]]] = []
    for name, (file, cell) in cells.items():
        area[name] = _area(file, cell)
        if _has_state(cell):
            if gate := _clock_gate(name, cell):
                gates.append((gate["test"] != "", area[name], name, gate))
            (flip_flops if cell.of_kind("ff", "ff_bank") else latches).append(name)
            continue
        inputs, outputs = _pins(file, cell, head.capacitance_f)
        if not inputs:
            for pin, value in outputs.items():
                if isinstance(value, Constant):
                    tie = (area[name], name, pin)
                    ties[value.value] = min(ties.get(value.value, tie), tie)
        elif len(inputs) == 1 and len(outputs) == 1:
            (pin, load), value = next(iter(inputs.items())), next(iter(outputs.values()))
            if value in (Variable(pin), Not(Variable(pin))):
                drivers.append((value != Variable(pin), area[name], name, load))
    if not drivers:
        raise DesignError(
            f"{head.file.path}: the library has no buffer and no inverter that may be used"
        )
    _, _, driving_cell, capacitance = min(drivers)
    return {
        "area": area,
        "tie_high": ties[True][1:] if True in ties else None,
        "tie_low": ties[False][1:] if False in ties else None,
        "driving_cell": driving_cell,
        "input_capacitance_f": capacitance,
        "flip_flops": tuple(flip_flops),
        "latches": tuple(latches),
        "clock_gate": min(gates)[3] if gates else None,
    }


def _area(file: LibertyFile, cell: Group) -> float:
    """Area in the library's unit. Synthesis compares areas: a cell of area 0 would be free."""
    area = number(file, cell, "area", 0.0)
    can_be_picked = _has_state(cell) or any(
        "function" in pin.simple for pin in cell.of_kind("pin", "bus", "bundle")
    )
    if area < 0 or (area == 0 and can_be_picked):
        file.fail(
            f"area of cell {cell.name()!r} is {area:g}; synthesis needs a positive area, or mark "
            "the cell 'dont_use : true;'",
            cell.offset,
        )
    return area


def _pins(
    file: LibertyFile, cell: Group, farads: float
) -> tuple[dict[str, float], dict[str, Expression]]:
    """Capacitance [F] of each input, function of each output that has one."""
    inputs: dict[str, float] = {}
    outputs: dict[str, Expression] = {}
    for group in cell.of_kind("pin"):
        for pin in group.names():
            if group.text("direction") == "input":
                inputs[pin] = number(file, group, "capacitance", 0.0) * farads
            elif (function := read_function(file, group, group.text("function"))) is not None:
                outputs[pin] = function
    return inputs, outputs


def _clock_gate(name: str, cell: Group) -> dict[str, str] | None:
    """The pins of a clock gate for rising edges, by what they are for; None for other cells."""
    if not (cell.text(_GATE) or "").startswith("latch_posedge"):
        return None
    pins = {"name": name, "enable": "", "clock": "", "output": "", "test": ""}
    names = {"enable": "enable", "clock": "clock", "out": "output", "test": "test"}
    for pin in cell.of_kind("pin"):
        for what, place in names.items():
            if pin.is_true(f"clock_gate_{what}_pin"):
                pins[place] = pin.name()
    return pins if pins["enable"] and pins["clock"] and pins["output"] else None
