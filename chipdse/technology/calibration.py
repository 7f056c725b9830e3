"""What routed designs of a process gave: coefficients and errors of the estimates of layout.

A calibration is a TOML file that `benchmarks/calibrate_layout.py` makes from measured designs.
`data/layout_PROCESS.toml` are those that ship; `layout_any.toml` pools all processes and serves a
library of any other.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.reading import parse_toml

ANY = "any"
PROCESSES = ("sky130", "ihp-sg13g2", "gf180")
"""Processes with measured designs."""
CALIBRATION_TABLES = tuple(f"technology/data/layout_{name}.toml" for name in (*PROCESSES, ANY))


FOLLOWS = {
    "block_core_area_m2": "block_layout_area_m2",
    "block_energy_per_op_j": "block_power_w",
    "block_energy_per_run_j": "block_power_w",
    "time_per_run_s": "critical_path_s",
}
"""Metrics that are proportional to one with a measured error."""
INVERSE = {"f_max_hz": "critical_path_s"}
"""Metrics that are inversely proportional to one with a measured error."""


@dataclass(frozen=True, kw_only=True)
class MeasuredError:
    """How far estimates lie from routed designs, each estimated without itself.

    quantity : name of a metric
    designs : how many were compared
    median_frac : median of the magnitudes of ``estimate / routed - 1``
    least_frac, most_frac : the least and the greatest of these, with their signs
    """

    quantity: str
    designs: int
    median_frac: float
    least_frac: float
    most_frac: float

    def text(self) -> str:
        """The error as text, e.g. ``median 4 %, -12 to +9 % over 9 routed designs``."""
        if self.designs == 1:
            return f"{self.least_frac * 100:+.0f} % for 1 routed design"
        span = f"{self.least_frac * 100:+.0f} to {self.most_frac * 100:+.0f} %"
        return f"median {self.median_frac * 100:.0f} %, {span} over {self.designs} routed designs"

    def inverse(self, quantity: str) -> MeasuredError:
        """The error of a quantity that is inversely proportional to this one.

        The median of magnitudes is exact where all errors have one sign, and a bound otherwise.
        """
        sign = -1 if abs(self.least_frac) > abs(self.most_frac) else 1
        return MeasuredError(
            quantity=quantity,
            designs=self.designs,
            median_frac=abs(1 / (1 + sign * self.median_frac) - 1),
            least_frac=1 / (1 + self.most_frac) - 1,
            most_frac=1 / (1 + self.least_frac) - 1,
        )


@dataclass(frozen=True, kw_only=True)
class LayoutCalibration:
    """Coefficients of the cells and clock trees that layout adds, from routed designs.

    process : of the measured designs; `ANY` pools several
    designs : routed designs behind the coefficients
    sinks_per_region : sinks of one part of a clock tree from which on the flow halves it
    sinks_per_cluster : sinks of one cluster, in trees that are large enough to have clusters
    buffer_area : area of a clock buffer [areas of the smallest buffer]
    leaf_area : the same of the buffers of clusters, and of the last level of large trees
    tree_wire_f_per_m : capacitance of clock wire per length by `tree_wire_m`; None: the process'
        clock wire
    skew_frac : clock skew over the critical path
    path_growth : critical path of a routed design over that of the netlist as mapped with estimated
        wires, both without skew
    logic_growth : area of a routed design, without the cells that layout adds, over the mapped area
    hold_area, hold_cells : area [areas of the smallest buffer] and number of hold buffers per sink
    hold_slack_s : hold slack of a register's quickest path, with an ideal clock and without wires,
        below which the flow adds a hold buffer behind it; 0 where it is not known, so that
        `hold_cells` is used
    input_area, output_area : area [the same] of the buffer of one input bit and of one output bit
    repair_frac : area of other cells that layout adds, fan-out repair mostly, over `logic`
    data_growth : energy in combinational cells of a routed design over that in the mapped cells,
        both without wires, over the growth of the area of these cells
    leakage_growth : leakage of the routed design over the mapped one's times the growth of area
    """

    process: str
    designs: int
    sinks_per_region: float
    sinks_per_cluster: float
    buffer_area: float
    leaf_area: float
    tree_wire_f_per_m: float | None
    skew_frac: float
    path_growth: float
    logic_growth: float
    hold_area: float
    hold_cells: float
    hold_slack_s: float
    input_area: float
    output_area: float
    repair_frac: float
    data_growth: float
    leakage_growth: float
    errors: tuple[MeasuredError, ...] = ()

    @property
    def errors_by_metric(self) -> dict[str, MeasuredError]:
        """The measured errors by metric, also of metrics that follow from one of them."""
        measured = {error.quantity: error for error in self.errors}
        followers = {
            metric: measured[source] for metric, source in FOLLOWS.items() if source in measured
        }
        inverse = {
            metric: measured[source].inverse(metric)
            for metric, source in INVERSE.items()
            if source in measured
        }
        return measured | followers | inverse


def calibration_of(process: str | None) -> LayoutCalibration:
    """The calibration that ships for a process; that of all processes where none was measured."""
    name = process if process in PROCESSES else ANY
    return _shipped(str(name))


@functools.cache
def _shipped(name: str) -> LayoutCalibration:
    file = resources.files("chipdse.technology") / "data" / f"layout_{name}.toml"
    return parse_calibration(file.read_text(encoding="utf-8"), f"layout_{name}.toml")


def read_calibration(path: Path) -> LayoutCalibration:
    """The calibration in the user's file.

    Raises
    ------
    DesignError : the file cannot be read or is no calibration
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DesignError(f"calibration {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DesignError(f"calibration {path} cannot be read: it is not UTF-8 text") from None
    return parse_calibration(text, str(path))


def parse_calibration(text: str, name: str) -> LayoutCalibration:
    """The calibration in a TOML text.

    Raises
    ------
    DesignError : it is no calibration; the message states the entry
    """
    try:
        content = parse_toml(text)
    except ValueError as error:
        raise DesignError(f"calibration {name} is no TOML file: {error}") from None
    entries = dict(_table(content, "coefficients", name))
    numbers = [field.name for field in fields(LayoutCalibration)][2:-1]
    optional = {"tree_wire_f_per_m"}
    for key in numbers:
        value = entries.get(key)
        if value is None and key in optional:
            entries[key] = None
        elif value is None:
            raise DesignError(
                f"calibration {name} has no coefficients.{key}; write a number of at least 0, or "
                "make the file of an earlier version again with benchmarks/calibrate_layout.py"
            )
        elif not _is_number(value) or value < 0:
            raise DesignError(
                f"calibration {name}: coefficients.{key} is {value!r}; write a number of at least 0"
            )
    if unknown := entries.keys() - set(numbers):
        raise DesignError(
            f"calibration {name}: coefficients.{min(unknown)} is not known; remove it"
        )
    for key, least in (("sinks_per_region", 2), ("sinks_per_cluster", 1)):
        if not entries[key] >= least:
            raise DesignError(f"calibration {name}: coefficients.{key} must be at least {least}")
    if not entries["path_growth"] > 0:
        raise DesignError(f"calibration {name}: coefficients.path_growth must be above 0")
    process, designs = content.get("process", ANY), content.get("designs", 0)
    if not isinstance(process, str):
        raise DesignError(f"calibration {name}: process is {process!r}; write a name")
    if not _is_count(designs):
        raise DesignError(f"calibration {name}: designs is {designs!r}; write a whole number")
    return LayoutCalibration(
        process=process,
        designs=designs,
        errors=tuple(
            _error(quantity, values, name)
            for quantity, values in _table(content, "errors", name).items()
        ),
        **entries,
    )


def _table(content: dict[str, Any], key: str, name: str) -> dict[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise DesignError(f"calibration {name}: {key} is {table!r}; write a table [{key}]")
    return table


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < _LARGEST


_LARGEST = 1e12  # far above any coefficient; an integer of TOML may be too large for a float


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _error(quantity: str, values: Any, name: str) -> MeasuredError:
    wanted = [field.name for field in fields(MeasuredError)][1:]
    numbers = values if isinstance(values, dict) else {}
    is_right = all(map(_is_number, numbers.values())) and _is_count(numbers.get("designs"))
    if sorted(numbers) != sorted(wanted) or not is_right:
        raise DesignError(
            f"calibration {name}: errors.{quantity} must have the numbers {', '.join(wanted)}"
        )
    return MeasuredError(quantity=quantity, **numbers)
