"""The frozen records between stages. Each field has its unit and kind of evidence."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from chipdse.errors import DesignError

EVIDENCE = ("input", "measured", "modelled", "estimated")
"""Kinds of evidence, strongest first; an input is a value that the user gave."""

PARTS = ("cells", "activity", "layout", "node")
"""Inputs that limit the evidence of a result; layout is wires and clock tree, node is tables by
node."""

CORNERS = ("setup", "hold", "leakage")
"""Corners of the guaranteed view: setup for slow chips, hold and leakage for fast chips."""


def metric(
    doc: str,
    unit: str,
    evidence: str,
    default: Any = dataclasses.MISSING,
    *,
    rests_on: tuple[str, ...] = (),
    corner: str = "",
) -> Any:
    """A field of a result record; every output takes unit, description and evidence from here.

    doc : its meaning
    unit : SI unit as it is printed
    evidence : "input" (given by the user), "measured" (simulated, netlist, Liberty), "modelled"
        (published model) or "estimated"
    rests_on : which of `PARTS`; the metric's evidence is no better than theirs
    corner : which of `CORNERS` the metric of a guaranteed point belongs to; empty is the stated
        supply and temperature with typical transistors
    """
    if evidence not in EVIDENCE:
        raise ValueError(f"evidence {evidence!r} is not one of {EVIDENCE}")
    if unknown := set(rests_on) - set(PARTS):
        raise ValueError(f"rests_on {sorted(unknown)} are not among {PARTS}")
    if corner and corner not in CORNERS:
        raise ValueError(f"corner {corner!r} is not one of {CORNERS}")
    metadata = {"doc": doc, "unit": unit, "evidence": evidence, "rests_on": rests_on}
    metadata |= {"corner": corner}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True)
class Absent:
    """None as the value of a parameter, which TOML and the command line cannot write.

    written : the number or text that stands for None in a file or on the command line
    meaning : what None means
    """

    written: float | str
    meaning: str

    def __str__(self) -> str:
        return f"{self.written!r} in a file: {self.meaning}"


def knob(
    default: Any,
    doc: str,
    unit: str = "",
    *,
    kind: type | None = None,
    minimum: float | None = None,
    above: float | None = None,
    maximum: float | None = None,
    choices: tuple[Any, ...] | None = None,
    beside: Callable[[Any], str | None] | None = None,
    absent: Absent | None = None,
) -> Any:
    """A field of a parameter record: default, meaning, unit and the values it may take.

    kind : type of the values, given only if None is the default and a valid value
    above : lower limit that is not itself allowed (`minimum` is allowed)
    beside : function of a value that is not among the choices; returns an empty text if the value
        is allowed too, the fault if it is wrong, and None if the choices alone are allowed
    absent : how a file writes None, and what None means; the record calls `read_absent`
    """
    metadata = {
        "doc": doc if absent is None else f"{doc}; {absent}",
        "unit": unit,
        "kind": kind or type(default),
        "minimum": minimum,
        "above": above,
        "maximum": maximum,
        "choices": choices,
        "beside": beside,
        "absent": absent,
    }
    return dataclasses.field(default=default, metadata=metadata)


def read_absent(record: Any) -> None:
    """Set to None the fields of a new record that have the value by which a file writes None."""
    for field in dataclasses.fields(record):
        absent, value = field.metadata["absent"], getattr(record, field.name)
        # A boolean is no number here: False must be refused, although it equals 0.
        if absent is not None and not isinstance(value, bool) and value == absent.written:
            object.__setattr__(record, field.name, None)


def as_written(field: dataclasses.Field[Any], value: Any) -> Any:
    """The value of a parameter as a file or the command line writes it."""
    absent = field.metadata.get("absent")
    return absent.written if value is None and absent is not None else value


def written_defaults(kind: type) -> dict[str, int | float | str]:
    """Defaults of a parameter record as a file writes them, without those it cannot write."""
    defaults = {field.name: as_written(field, field.default) for field in dataclasses.fields(kind)}
    return {name: value for name, value in defaults.items() if isinstance(value, int | float | str)}


def check_knobs(record: Any, where: str = "") -> None:
    """Raise DesignError for the first field outside what its `knob` declares."""
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if value is None and (field.default is None or field.metadata["absent"] is not None):
            continue
        if fault := _fault(value, field.default, field.metadata):
            raise DesignError(f"{where} {field.name}={value!r} {fault}".lstrip())


def _fault(value: Any, default: Any, metadata: Mapping[str, Any]) -> str:
    """Why a field cannot have this value, and what to write; empty for a valid value."""
    kind = metadata["kind"]
    unit = f" {metadata['unit']}" if metadata["unit"] else ""
    example = "" if default is None else f", e.g. {default!r}{unit}"
    if type(value) is not kind and not (kind is float and type(value) is int):
        if kind is bool:
            return "must be true or false"
        return f"must be of type {kind.__name__}{example}"
    if metadata["choices"] is not None and value not in metadata["choices"]:
        beside = metadata.get("beside")
        if beside is not None and (fault := beside(value)) is not None:
            return str(fault)
        return f"is unknown; use one of {', '.join(metadata['choices'])}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"is not finite; use a number{example}"
    instead = _instead(default, metadata["absent"])
    if metadata["minimum"] is not None and value < metadata["minimum"]:
        return f"is too small; use >= {metadata['minimum']}{unit}{instead}"
    if metadata["above"] is not None and value <= metadata["above"]:
        return f"is too small; use > {metadata['above']}{unit}{instead}"
    if metadata["maximum"] is not None and value > metadata["maximum"]:
        return f"is too large; use <= {metadata['maximum']}{unit}"
    return ""


def _instead(default: Any, absent: Absent | None) -> str:
    """How to write None in place of a value that is too small; empty where None is not allowed."""
    if absent is None:
        return ""
    return f", or {'leave it out' if default is None else repr(absent.written)}: {absent.meaning}"


def each_field(function: Callable[..., Any], *records: Record) -> Record:
    """A record of this kind whose fields are a function of the records' corresponding fields."""
    kind: Any = type(records[0])
    return kind(  # type: ignore[no-any-return]
        **{
            field.name: function(*(getattr(record, field.name) for record in records))
            for field in dataclasses.fields(kind)
        }
    )


BAD_LEAKAGE = "block leakage needs ascending temperatures and powers > 0"


@dataclass(frozen=True, kw_only=True)
class TypicalLeakage:
    """Leakage of a typical chip, if the block's other fields have that of the leakiest chip.

    power_w : at `temperature_c`
    powers_w : at each of the block's `leakage_temperatures_c`
    """

    power_w: float
    temperature_c: float
    powers_w: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class BlockMetrics:
    """A measured block at one operating point, which the package models use.

    The fixed point of leakage and temperature uses the leakage at further temperatures, if the
    library has it; with one temperature only, leakage is constant.
    """

    area_m2: float = metric("cell area of the block", "m2", "measured")
    dynamic_power_w: float = metric("dynamic power at full throughput", "W", "measured")
    leakage_power_w: float = metric("leakage power at `temperature_c`", "W", "measured")
    temperature_c: float = metric("temperature of the leakage figure", "°C", "input")
    throughput_ops_per_s: float = metric("operations per second", "1/s", "measured")
    io_bits_per_op: float = metric("data crossing the block's ports", "bit", "measured")
    node_nm: float = metric("process node of the cell library", "nm", "input")
    leakage_temperatures_c: tuple[float, ...] = metric(
        "temperatures of `leakage_powers_w`, ascending", "°C", "input", ()
    )
    leakage_powers_w: tuple[float, ...] = metric(
        "leakage at each of these temperatures", "W", "measured", ()
    )
    typical: TypicalLeakage | None = None
    """If given, energy and carbon are those of a typical chip, power and temperature of the
    leakiest."""

    def __post_init__(self) -> None:
        for name in QUANTITIES:
            check_quantity(name, getattr(self, name))
        if len(self.leakage_temperatures_c) != len(self.leakage_powers_w):
            raise DesignError(
                f"block leakage is given at {len(self.leakage_temperatures_c)} temperatures and"
                f" {len(self.leakage_powers_w)} powers; give as many of each"
            )
        pairs = zip(self.leakage_temperatures_c, self.leakage_temperatures_c[1:], strict=False)
        if any(b <= a for a, b in pairs) or any(p <= 0 for p in self.leakage_powers_w):
            raise DesignError(BAD_LEAKAGE)


_POSITIVE = ("area_m2", "throughput_ops_per_s", "node_nm")
QUANTITIES = (*_POSITIVE, "dynamic_power_w", "leakage_power_w", "io_bits_per_op")
"""Fields of `BlockMetrics` that `check_quantity` accepts."""


def check_quantity(name: str, value: float) -> None:
    """Raise DesignError unless the value of a field of `BlockMetrics` is possible."""
    if not math.isfinite(value) or value < 0 or (name in _POSITIVE and value == 0):
        least = "> 0" if name in _POSITIVE else ">= 0"
        raise DesignError(f"block {name}={value!r} must be finite and {least}")
