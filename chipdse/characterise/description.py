"""The file that describes what to characterise: cells, models, corners, grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.characterise.spice import Models
from chipdse.errors import DesignError
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.cells import Cell, CellPin, FlipFlop, Latch
from chipdse.netlist.library.logic import parse_function, variables
from chipdse.netlist.library.processes import process_of
from chipdse.reading import check_exist, parse_toml, toml_text
from chipdse.units import parse_quantity

PROCESSES = ("typical", "slow", "fast")
_KEYS = {
    "": (
        "name",
        "netlists",
        "template",
        "only",
        "power",
        "ground",
        "inverter",
        "grid",
        "corners",
        "cells",
        "ngspice",
    ),
    "[grid]": ("slews", "loads", "smallest_load", "load_count"),
    "[[corners]]": ("process", "supplies", "temperatures", "models", "leakage_models"),
}
_CELL_KEYS = ("area_um2", "inputs", "functions", "flip_flop", "latch")
_STATE_KEYS = {
    "flip_flop": ("clock", "next_state", "clear", "preset"),
    "latch": ("enable", "data"),
}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Where tables are simulated, at the first corner; elsewhere slews grow with the delays.

    Parameters
    ----------
    slews_s : ascending, 20 to 80 % of the supply
    loads_f : ascending, of every cell; None is up to the load of the largest slew
    smallest_load_f, load_count : where `loads_f` is None
    """

    slews_s: tuple[float, ...]
    loads_f: tuple[float, ...] | None
    smallest_load_f: float
    load_count: int


@dataclass(frozen=True, kw_only=True)
class Corner:
    """A Liberty file to write."""

    process: str
    supply_v: float
    temperature_c: float
    models: tuple[Models, ...]
    leakage_models: tuple[Models, ...]

    @property
    def tag(self) -> str:
        """As in names of files, e.g. `slow_125C_1p62V`."""
        text = f"{self.process}_{self.temperature_c:g}C_{self.supply_v:g}V"
        return text.replace("-", "m").replace(".", "p")


@dataclass(frozen=True, kw_only=True)
class Description:
    """What to characterise.

    Parameters
    ----------
    cells : logic and area of each cell
    inverter : the cell whose delay sets the scale of time
    commands : of ngspice, before a circuit is loaded
    """

    name: str
    netlists: tuple[Path, ...]
    power: tuple[str, ...]
    ground: tuple[str, ...]
    cells: tuple[Cell, ...]
    inverter: str
    corners: tuple[Corner, ...]
    grid: Grid
    commands: tuple[str, ...]


def read_description(path: Path) -> Description:
    """A description from its TOML file; names of files are relative to it.

    Raises
    ------
    DesignError : the file, or one that it names, cannot be read or is not as expected
    """
    try:
        content = parse_toml(toml_text(path))
    except OSError as error:
        raise DesignError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DesignError(f"{path} is not TOML: {error}") from None
    try:
        return _description(content, path.absolute().parent)
    except DesignError as error:
        text = str(error)
        raise DesignError(text if text.startswith(str(path)) else f"{path}: {text}") from None


def _description(data: Mapping[str, Any], folder: Path) -> Description:
    _check_keys(data, "")
    name = _text(data, "name", "")
    if process_of(name):
        raise DesignError(
            f"name = {name!r} contains the word {process_of(name)!r} for a process corner; "
            "'library add' would take each file for that corner"
        )
    corners = tuple(
        corner for entry in _tables(data, "corners") for corner in _corners(entry, folder)
    )
    tags = [corner.tag for corner in corners]
    if repeated := next((tag for tag in tags if tags.count(tag) > 1), None):
        raise DesignError(f"[[corners]] states {repeated} twice")
    cells = _cells(data, folder)
    netlists = tuple(folder / file for file in _texts(data, "netlists", ""))
    check_exist(*netlists)
    return Description(
        name=name,
        netlists=netlists,
        power=_texts(data, "power", ""),
        ground=_texts(data, "ground", ""),
        cells=cells,
        inverter=_inverter(data, cells),
        corners=corners,
        grid=_grid(data.get("grid", {})),
        commands=_texts(data, "ngspice", "") if "ngspice" in data else (),
    )


def _corners(entry: Mapping[str, Any], folder: Path) -> list[Corner]:
    where = "[[corners]]"
    _check_keys(entry, where)
    process = _text(entry, "process", where)
    if process not in PROCESSES:
        raise DesignError(f"{where}: process = {process!r} is not one of {', '.join(PROCESSES)}")
    models = _models(entry, "models", folder)
    leakage = _models(entry, "leakage_models", folder) if "leakage_models" in entry else models
    return [
        Corner(
            process=process,
            supply_v=_quantity(supply, "V", f"{where} supplies"),
            temperature_c=_quantity(temperature, "°C", f"{where} temperatures"),
            models=models,
            leakage_models=leakage,
        )
        for temperature in _texts(entry, "temperatures", where)
        for supply in _texts(entry, "supplies", where)
    ]


def _models(entry: Mapping[str, Any], key: str, folder: Path) -> tuple[Models, ...]:
    rows = entry.get(key)
    good = isinstance(rows, list) and all(
        isinstance(row, str) or (isinstance(row, dict) and set(row) <= {"file", "section"})
        for row in rows
    )
    if not good or not rows:
        raise DesignError(
            f'[[corners]] {key} must be a list such as [{{file = "models.lib", section = "tt"}}]'
        )
    models = []
    for row in rows:
        item = {"file": row} if isinstance(row, str) else row
        file = folder / _text(item, "file", f"[[corners]] {key}")
        models.append(Models(file=file, section=str(item.get("section", ""))))
    return tuple(models)


def _grid(entry: Mapping[str, Any]) -> Grid:
    where = "[grid]"
    _check_keys(entry, where)
    loads = _ascending(_texts(entry, "loads", where), "F", "loads", 2) if "loads" in entry else None
    count = entry.get("load_count", 5)
    if not isinstance(count, int) or isinstance(count, bool) or not 2 <= count <= 20:
        raise DesignError(f"{where} load_count = {count!r} is not a number from 2 to 20")
    smallest_f = _quantity(entry.get("smallest_load", "0.5fF"), "F", f"{where} smallest_load")
    if not smallest_f > 0:
        raise DesignError(f"{where} smallest_load must be positive")
    return Grid(
        slews_s=_ascending(_texts(entry, "slews", where), "s", "slews", 2),
        loads_f=loads,
        smallest_load_f=smallest_f,
        load_count=count,
    )


def _ascending(texts: tuple[str, ...], unit: str, key: str, least: int) -> tuple[float, ...]:
    values = tuple(_quantity(text, unit, f"[grid] {key}") for text in texts)
    rising = all(low < high for low, high in zip(values, values[1:], strict=False))
    if len(values) < least or values[0] <= 0 or not rising:
        raise DesignError(
            f"[grid] {key} = {list(texts)} must be {least} or more positive values in rising order"
        )
    return values


def _cells(data: Mapping[str, Any], folder: Path) -> tuple[Cell, ...]:
    """Cells of the template, of `[cells.NAME]`, or of both; `only` selects among them."""
    known: dict[str, Cell] = {}
    if "template" in data:
        template = folder / _text(data, "template", "")
        check_exist(template)
        known = {cell.name: cell for cell in load_library([template]).cells}
    described = data.get("cells", {})
    if not isinstance(described, dict):
        raise DesignError("cells must be tables such as [cells.inv_1]")
    for name, entry in described.items():
        known[name] = _cell(name, entry)
    if not known:
        raise DesignError("no cells: name a Liberty file as template, or write [cells.NAME] tables")
    if "only" not in data:
        return tuple(known.values())
    chosen = _texts(data, "only", "")
    for name in chosen:
        if name not in known:
            raise DesignError(
                f"only: no cell {name!r}; described are {', '.join(list(known)[:8])}"
                + (", ..." if len(known) > 8 else "")
            )
    return tuple(known[name] for name in chosen)


def _cell(name: str, entry: Any) -> Cell:
    where = f"[cells.{name}]"
    if not isinstance(entry, dict) or set(entry) - set(_CELL_KEYS):
        raise DesignError(f"{where} may contain {', '.join(_CELL_KEYS)}")
    area = entry.get("area_um2")
    if not isinstance(area, int | float) or isinstance(area, bool) or not area > 0:
        raise DesignError(f"{where}: area_um2 = {area!r} is not a positive number")
    functions = entry.get("functions")
    if not isinstance(functions, dict) or not functions:
        raise DesignError(f'{where}: functions must be a table such as {{Y = "!A"}}')
    parsed = {out: parse_function(str(text)) for out, text in functions.items()}
    sequential = _sequential(entry, where)
    inputs = _texts(entry, "inputs", where)
    states = () if sequential is None else (sequential.state, sequential.state_inverted)
    for out, function in parsed.items():
        for pin in variables(function):
            if pin not in (*inputs, *states):
                raise DesignError(
                    f"{where}: function of {out} names {pin}, which is not among inputs = "
                    f"{list(inputs)}"
                )
    pins = [CellPin(name=pin, direction="input") for pin in inputs]
    pins += [CellPin(name=out, direction="output", function=f) for out, f in parsed.items()]
    return Cell(name=name, area_m2=area * 1e-12, pins=tuple(pins), sequential=sequential)


def _sequential(entry: Mapping[str, Any], where: str) -> FlipFlop | Latch | None:
    kinds = [kind for kind in _STATE_KEYS if kind in entry]
    if not kinds:
        return None
    kind = kinds[0]
    state = entry[kind]
    if len(kinds) > 1 or not isinstance(state, dict) or set(state) - set(_STATE_KEYS[kind]):
        raise DesignError(f"{where}: {kind} may contain {', '.join(_STATE_KEYS[kind])}")
    texts = {key: parse_function(_text(state, key, f"{where} {kind}")) for key in state}
    needed = {"flip_flop": ("clock", "next_state"), "latch": ("enable", "data")}[kind]
    for key in needed:
        if key not in texts:
            raise DesignError(f"{where}: {kind} has no {key}")
    if kind == "latch":
        return Latch(
            state="IQ", state_inverted="IQN", enable=texts["enable"], data_in=texts["data"]
        )
    return FlipFlop(
        state="IQ",
        state_inverted="IQN",
        clocked_on=texts["clock"],
        next_state=texts["next_state"],
        clear=texts.get("clear"),
        preset=texts.get("preset"),
    )


def _inverter(data: Mapping[str, Any], cells: tuple[Cell, ...]) -> str:
    """The smallest inverter of the cells, or the one that is named."""

    def inverts(cell: Cell) -> bool:
        inputs, outputs = cell.inputs, cell.outputs
        return (
            cell.sequential is None
            and len(inputs) == len(outputs) == 1
            and str(cell.pins[outputs[0]].function) == f"!{cell.pins[inputs[0]].name}"
        )

    inverters = [cell for cell in cells if inverts(cell)]
    if "inverter" in data:
        name = _text(data, "inverter", "")
        if name not in [cell.name for cell in inverters]:
            raise DesignError(f"inverter = {name!r} is not an inverter among the cells")
        return name
    if not inverters:
        raise DesignError(
            "no inverter among the cells: its delay sets the scale of time; add one to the cells"
        )
    return min(inverters, key=lambda cell: cell.area_m2).name


def _check_keys(entry: Any, where: str) -> None:
    if not isinstance(entry, dict):
        raise DesignError(f"{where} must be a table")
    for key in entry:
        if key not in _KEYS[where]:
            raise DesignError(
                f"{where or 'the file'} has an unknown key {key!r}; known are "
                f"{', '.join(_KEYS[where])}"
            )


def _tables(data: Mapping[str, Any], key: str) -> list[Any]:
    rows = data.get(key)
    if not isinstance(rows, list) or not rows:
        raise DesignError(f"no [[{key}]]: write one table per process")
    return rows


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    if key not in entry:
        raise DesignError(f'{where} {key} is missing; write {key} = "..."'.strip())
    value = entry[key]
    if not isinstance(value, str) or not value:
        raise DesignError(f'{where} {key} = {value!r} is not a text; write {key} = "..."'.strip())
    return value


def _texts(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = entry.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise DesignError(f"{where} {key} = {value!r} is not a list of texts".strip())
    return tuple(value)


def _quantity(value: Any, unit: str, what: str) -> float:
    if not isinstance(value, str):
        raise DesignError(f"{what}: {value!r} is not a text with a unit")
    return parse_quantity(value, unit, what)
