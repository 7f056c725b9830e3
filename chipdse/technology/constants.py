"""Published constants with their sources: `data/*.toml` in published units, read into SI.

A table file holds entries. An entry has `doc`, `unit`, `source` and either `value` or a table
`values` (a number, or a table that overrides `source`, `note`, `evidence`, `low`, `high`).
Evidence is `modelled` unless the entry says `estimated`.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from chipdse.errors import DesignError

# Published unit -> SI. A temperature difference in kelvin needs no factor.
_J_PER_KWH = 3.6e6
SI_FACTORS: dict[str, float] = {
    "-": 1.0,
    "USD": 1.0,
    "USD/mm2": 1e6,
    "mm": 1e-3,
    "um": 1e-6,
    "nm": 1e-9,
    "m": 1.0,
    "mm2": 1e-6,
    "um2": 1e-12,
    "1/mm2": 1e6,
    "1/cm2": 1e4,
    "kWh/cm2": _J_PER_KWH * 1e4,
    "kWh/mm2": _J_PER_KWH * 1e6,
    "g": 1e-3,
    "g/cm2": 10.0,
    "kg/cm2": 1e4,
    "g/mm2": 1e3,
    "g/GB": 1e-3 / 8e9,
    "gCO2e/kWh": 1e-3 / _J_PER_KWH,
    "1/h": 1 / 3600,
    "W": 1.0,
    "V": 1.0,
    "K": 1.0,
    "C": 1.0,
    "pJ/b": 1e-12,
    "GT/s": 1e9,
    "Gb/s": 1e9,
    "GB/s": 8e9,
    "Gb/s/mm": 1e12,
    "GB/s/mm": 8e12,
    "GB/s/mm2": 8e15,
    "ns": 1e-9,
    "ps": 1e-12,
    "fJ": 1e-15,
    "pJ": 1e-12,
    "pW": 1e-12,
    "fF": 1e-15,
    "W/mK": 1.0,
    "J/m3K": 1.0,
    "K/W": 1.0,
    "W/m2K": 1.0,
    "J/K": 1.0,
    "cm K/W": 1e-2,
    "cm/W": 1e-2,
    "cm/WK": 1e-2,
    "uOhm cm": 1e-8,
    "fF/um": 1e-9,
    "ohm/um": 1e6,
    "ohm": 1.0,
    "1/K": 1.0,
}
TABLES = (
    "cost",
    "carbon",
    "grids",
    "links",
    "thermal",
    "materials",
    "memory",
    "scaling",
    "devices",
    "sram",
    "wires",
    "power_grid",
)
_SHARED_KEYS = {"source", "note", "evidence", "readiness"}


@dataclass(frozen=True, kw_only=True)
class Constant:
    """One published or measured constant.

    key : `table.entry` or `table.entry.variant`
    value, low, high : in SI; low and high only where the source gives a range
    published, unit : as the source prints it
    readiness : for materials and technologies: "production", "early" or "research"
    """

    key: str
    doc: str
    value: float
    low: float
    high: float
    published: float
    unit: str
    source: str
    note: str
    evidence: str
    readiness: str


def _constant(key: str, entry: Mapping[str, Any], variant: object) -> Constant:
    fields = dict(variant) if isinstance(variant, Mapping) else {"value": variant}
    merged = {k: v for k, v in entry.items() if k in _SHARED_KEYS} | fields
    factor = SI_FACTORS[entry["unit"]]
    value = float(merged["value"])
    return Constant(
        key=key,
        doc=str(entry["doc"]),
        value=value * factor,
        low=float(merged.get("low", value)) * factor,
        high=float(merged.get("high", value)) * factor,
        published=value,
        unit=str(entry["unit"]),
        source=str(merged["source"]),
        note=str(merged.get("note", "")),
        evidence=str(merged.get("evidence", "modelled")),
        readiness=str(merged.get("readiness", "")),
    )


@cache
def load_table(table: str) -> Mapping[str, Constant]:
    """One table, keyed `table.entry[.variant]`, in SI; empty where there is no such table."""
    constants: dict[str, Constant] = {}
    if table not in TABLES:
        return constants
    folder = resources.files("chipdse.technology") / "data"
    content = tomllib.loads((folder / f"{table}.toml").read_text(encoding="utf-8"))
    for name, entry in content.items():
        if "values" in entry:
            for variant, value in entry["values"].items():
                key = f"{table}.{name}.{variant}"
                constants[key] = _constant(key, entry, value)
        else:
            key = f"{table}.{name}"
            constants[key] = _constant(key, entry, entry)
    return constants


@cache
def load_constants() -> Mapping[str, Constant]:
    """All tables, keyed `table.entry[.variant]`, in SI."""
    return {key: constant for table in TABLES for key, constant in load_table(table).items()}


def find_constant(key: str) -> Constant | None:
    """The constant under a key, None if there is none; only its table is read."""
    return load_table(key.partition(".")[0]).get(key)


@cache
def variants(entry: str) -> tuple[str, ...]:
    """The variants of an entry, e.g. ``variants("grids.intensity")``."""
    prefix = entry + "."
    table = load_table(entry.partition(".")[0])
    return tuple(k.removeprefix(prefix) for k in table if k.startswith(prefix))


@dataclass(kw_only=True)
class Sources:
    """Reads constants and records which were read, so that a result can list its sources.

    given : the user's own constants, which override those of the tables
    cited : keys of the publications of the models that were used
    """

    used: dict[str, Constant] = field(default_factory=dict)
    given: dict[str, Constant] = field(default_factory=dict)
    cited: set[str] = field(default_factory=set)

    def cite(self, *keys: str) -> None:
        """Record that a model of a publication was used (`data/references.toml`)."""
        self.cited.update(keys)

    @staticmethod
    def of(given: Iterable[Constant]) -> Sources:
        """Sources in which the user's constants come before the tables'."""
        return Sources(given={constant.key: constant for constant in given})

    def has(self, key: str) -> bool:
        """Whether there is a constant under `key`."""
        return key in self.given or find_constant(key) is not None

    def constant(self, key: str) -> Constant:
        """The constant under `key`, which is recorded as used."""
        self.used[key] = self._find(key)
        return self.used[key]

    def _find(self, key: str) -> Constant:
        constant = self.given.get(key) or find_constant(key)
        if constant is None:
            entry = key.rpartition(".")[0]
            known = ", ".join(variants(entry)) or "see the tables in chipdse/technology/data"
            raise DesignError(f"{key!r} is not in the tables; known: {known}")
        return constant

    def untabled(self, constant: Constant) -> Constant:
        """A constant that is in no table, or what `given` has instead; it is recorded as used."""
        self.used[constant.key] = self.given.get(constant.key, constant)
        return self.used[constant.key]

    def __call__(self, key: str) -> float:
        """The value under `key` in SI; the constant is recorded as used."""
        return self.constant(key).value

    def nodes(self, entry: str, at_nm: Iterable[float]) -> tuple[list[float], list[float]]:
        """Nodes in nm, ascending, and the values of an entry over nodes.

        For each node of `at_nm`, its constant is recorded as used, or those of its two neighbours.
        """
        given_names = (
            key.removeprefix(f"{entry}.") for key in self.given if key.startswith(f"{entry}.")
        )
        names = sorted(
            dict.fromkeys((*variants(entry), *given_names)), key=lambda name: float(name[1:])
        )
        constants = [self._find(f"{entry}.{name}") for name in names]
        nodes = [float(name[1:]) for name in names]
        last = len(nodes) - 1
        for node in at_nm:
            for place in (bisect_right(nodes, node) - 1, bisect_left(nodes, node)):
                constant = constants[min(max(place, 0), last)]
                self.used[constant.key] = constant
        return nodes, [constant.value for constant in constants]
