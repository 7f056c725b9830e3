"""Read a system file (TOML) and refuse what is not exactly right."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.reading import read_toml
from chipdse.records import BlockMetrics
from chipdse.system.described import Die, System, Traffic
from chipdse.system.parameters import STATED_BY_DIES, PackageParameters
from chipdse.technology.constants import Constant, load_constants
from chipdse.technology.own_figures import read_own_table

# What may be written for a field's unit, and its factor to the field's unit.
UNITS: dict[str, dict[str, float]] = {
    "m": {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "nm": 1e-9},
    "m2": {"m2": 1.0, "cm2": 1e-4, "mm2": 1e-6, "um2": 1e-12, "µm2": 1e-12},
    "nm": {"nm": 1.0, "um": 1e3},
    "W": {"W": 1.0, "kW": 1e3, "mW": 1e-3, "uW": 1e-6, "µW": 1e-6, "nW": 1e-9},
    "°C": {"C": 1.0, "°C": 1.0},
    "K": {"K": 1.0},
    "a": {"a": 1.0, "years": 1.0, "year": 1.0},
    "1/s": {
        "1/s": 1.0,
        "Hz": 1.0,
        "MHz": 1e6,
        "GHz": 1e9,
        "GT/s": 1e9,
        "MT/s": 1e6,
        "Gop/s": 1e9,
        "Top/s": 1e12,
    },
    "bit/s": {"bit/s": 1.0, "Gb/s": 1e9, "Tb/s": 1e12, "GB/s": 8e9, "TB/s": 8e12},
    "bit": {"bit": 1.0, "b": 1.0, "B": 8.0, "byte": 8.0, "bytes": 8.0, "kB": 8e3},
    "J/bit": {"J/b": 1.0, "pJ/b": 1e-12, "fJ/b": 1e-15},
    "bit/s/m": {"Gb/s/mm": 1e12, "GB/s/mm": 8e12, "TB/s/mm": 8e15},
    "bit/s/m2": {"Gb/s/mm2": 1e15, "GB/s/mm2": 8e15, "TB/s/mm2": 8e18},
    "W/m/K": {"W/mK": 1.0, "W/m/K": 1.0},
    "USD": {"USD": 1.0, "$": 1.0},
    "kg": {"kg": 1.0, "g": 1e-3},
}
_NUMBER = re.compile(r"\s*([-+]?(?>\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")
# Keys of [link] for a custom link: table entry, unit.
_CUSTOM = {
    "energy_per_bit": ("energy_to_16", "J/bit"),
    "edge_bandwidth": ("edge_bandwidth", "bit/s/m"),
    "area_bandwidth": ("area_bandwidth", "bit/s/m2"),
    "reach": ("reach", "m"),
    "pitch_min": ("pitch_min", "m"),
    "pitch_max": ("pitch_max", "m"),
    "rate_max": ("rate_max", "1/s"),
}
_TABLES = (
    "name",
    "package",
    "die",
    "block",
    "link",
    "conductivity",
    "constants",
    "interposer_area",
    "traffic",
)


_LARGEST = 1e300  # an integer of TOML may be too large for a float


def read_quantity(value: Any, unit: str, where: str) -> float:
    """A number in `unit`, or text with a number and a unit of the same kind."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DesignError(f"{where}={value!r} is not a number")
    if isinstance(value, int | float):
        if abs(value) > _LARGEST:
            raise DesignError(f"{where}: a number of more than {_LARGEST:g} is not possible")
        return float(value)
    known = UNITS.get(unit, {})
    match = _NUMBER.fullmatch(value)
    example = f"e.g. '1 {next(iter(known), unit)}'"
    if match is None or match[2] not in known:
        kinds = ", ".join(known) or "none"
        given = f"unit {match[2]!r}" if match else "no number"
        raise DesignError(f"{where}={value!r} has {given}; units for it: {kinds}; write {example}")
    number = float(match[1]) * known[match[2]]
    if not math.isfinite(number):
        raise DesignError(f"{where}={value!r} is not finite; write {example}")
    return number


def _names_of_package() -> set[str]:
    """What a file may state in [package]."""
    names = {field.name for field in dataclasses.fields(PackageParameters)} - STATED_BY_DIES
    return names | set(_short(PackageParameters, STATED_BY_DIES))


def _known(key: str, allowed: list[str], where: str) -> None:
    if key not in allowed:
        near = difflib.get_close_matches(key, allowed, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(allowed)}"
        if where != "[package]" and key in _names_of_package():
            hint = "it is a key of [package]"
        raise DesignError(f"{where}: unknown key {key!r}; {hint}")


def _table(content: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        raise DesignError(f"{where} must be a table, not {content!r}")
    return content


def _record(
    kind: Any, content: Any, where: str, skip: Collection[str], aliases: Mapping[str, str] = {}
) -> dict[str, Any]:
    """Fields of a record from a table; numbers may be text with a unit."""
    fields = {f.name: f for f in dataclasses.fields(kind) if f.name not in skip}
    allowed = [*fields, *aliases]
    values: dict[str, Any] = {}
    for key, value in _table(content, where).items():
        _known(key, allowed, where)
        field = fields[aliases.get(key, key)]
        location = f"{where} {key}"
        if field.type in ("float", "float | None"):
            value = read_quantity(value, field.metadata.get("unit", ""), location)
        if field.name in values:
            raise DesignError(f"{location} is given twice; keep one")
        values[field.name] = value
    return values


def _short(kind: Any, skip: Collection[str]) -> dict[str, str]:
    """Keys without the unit suffix: `area` for `area_m2`."""
    ends = ("_m2", "_m", "_nm", "_w", "_c", "_k", "_usd", "_kgco2e", "_ops_per_s", "_years")
    aliases: dict[str, str] = {}
    for field in dataclasses.fields(kind):
        for end in ends:
            if field.name.endswith(end) and field.name not in skip:
                aliases.setdefault(field.name.removesuffix(end), field.name)
                break
    names = {f.name for f in dataclasses.fields(kind)}
    return {k: v for k, v in aliases.items() if k not in names}


def load_system(path: Path) -> System:
    """The system a TOML file describes.

    Raises
    ------
    DesignError : names the file, the key, the offending value and what would be right
    """
    content = read_toml(path)
    try:
        return _system(content, path.stem)
    except DesignError as error:
        raise DesignError(f"{path}: {error}") from None


def _system(content: Mapping[str, Any], stem: str) -> System:
    for key in content:
        _known(key, list(_TABLES), "file")
    name = content.get("name", stem)
    if not isinstance(name, str):
        raise DesignError(f"name={name!r} must be text")
    block = _block(content["block"]) if "block" in content else None
    listed = content.get("die", [])
    if not isinstance(listed, list) or not listed:
        raise DesignError("no dies; add at least one [[die]] table")
    dies = tuple(_die(table, i, block) for i, table in enumerate(listed, 1))
    custom = _custom_link(content.get("link", {}))
    constants = (
        *custom,
        *_conductivities(content.get("conductivity", {})),
        *read_own_table(content.get("constants", {}), ""),
    )
    _once(constants)
    custom_link = any(c.key == "links.energy_to_16.custom" for c in constants)
    package = _package(content.get("package", {}), dies, custom_link)
    between = _between(content.get("traffic", []))
    traffic = _traffic(content.get("link", {}), block)
    if between and {"bits_per_op", "traffic"} & set(content.get("link", {})):
        raise DesignError("[[traffic]] names the dies of all data; leave it out of [link]")
    interposer = content.get("interposer_area", 0.0)
    return System(
        name=name,
        dies=dies,
        package=package,
        interposer_area_m2=read_quantity(interposer, "m2", "interposer_area") or None,
        constants=constants,
        traffic=between,
        **traffic,
    )


def _once(constants: tuple[Constant, ...]) -> None:
    """Raise DesignError where two tables of the file give one constant."""
    keys = [constant.key for constant in constants]
    for key in keys:
        if keys.count(key) > 1:
            raise DesignError(f"[constants] {key} is also in [link] or [conductivity]; keep one")


def _block(content: Any) -> BlockMetrics:
    skip = {"leakage_temperatures_c", "leakage_powers_w", "typical"}
    values = _record(BlockMetrics, content, "[block]", skip, _short(BlockMetrics, skip))
    needed = [f.name for f in dataclasses.fields(BlockMetrics) if f.name not in skip]
    missing = [n for n in needed if n not in values]
    if missing:
        raise DesignError(f"[block] lacks {missing[0]!r}; it needs {', '.join(needed)}")
    return BlockMetrics(**values)


def _die(content: Any, index: int, block: BlockMetrics | None) -> Die:
    where = f"[[die]] {index}"
    table = dict(_table(content, where))
    tiles = table.pop("tiles", None)
    values = _record(Die, table, where, set(), _short(Die, set()))
    if tiles is None:
        if "area_m2" not in values:
            raise DesignError(f"{where} lacks 'area'; write e.g. area = '100 mm2', or tiles = 1000")
        return Die(**values)
    if block is None:
        raise DesignError(f"{where} tiles={tiles!r} needs a [block] table to repeat")
    if type(tiles) is not int or tiles < 1:
        raise DesignError(f"{where} tiles={tiles!r} must be a whole number >= 1")
    measured = {
        "area_m2": tiles * block.area_m2,
        "unique_area_m2": block.area_m2,
        "dynamic_power_w": tiles * block.dynamic_power_w,
        "leakage_power_w": tiles * block.leakage_power_w,
        "leakage_temperature_c": block.temperature_c,
        "throughput_ops_per_s": tiles * block.throughput_ops_per_s,
    }
    clash = next((k for k in measured if k in values), None)
    if clash:
        raise DesignError(f"{where} gives both tiles and {clash!r}; keep one")
    return Die(**({"node_nm": block.node_nm} | measured | values))


def _package(content: Any, dies: tuple[Die, ...], custom: bool) -> PackageParameters:
    values = _record(
        PackageParameters,
        content,
        "[package]",
        STATED_BY_DIES,
        _short(PackageParameters, STATED_BY_DIES),
    )
    memory = sum(d.count for d in dies if d.role == "memory")
    compute = sum(d.count for d in dies) - memory
    if custom and values.setdefault("link", "custom") != "custom":
        raise DesignError(
            f"[package] link={values['link']!r} but [link] describes a custom one;"
            " write link = 'custom' or remove its figures"
        )
    if values.get("link") == "custom" and not custom:
        raise DesignError(
            "[package] link='custom' needs its figures; add a [link] table with "
            + ", ".join(_CUSTOM)
        )
    return PackageParameters(**values, chiplets=compute, tiles=compute, memory_dies=memory)


def _traffic(content: Any, block: BlockMetrics | None) -> dict[str, float]:
    table = _table(content, "[link]")
    for key in table:
        _known(key, ["bits_per_op", "traffic", *_CUSTOM], "[link]")
    if "bits_per_op" in table and "traffic" in table:
        raise DesignError("[link] gives both bits_per_op and traffic; keep one")
    traffic = {}
    if "traffic" in table:
        traffic["traffic_bits_per_s"] = read_quantity(table["traffic"], "bit/s", "[link] traffic")
    elif "bits_per_op" in table:
        traffic["bits_per_op"] = read_quantity(table["bits_per_op"], "bit", "[link] bits_per_op")
    elif block is not None:
        traffic["bits_per_op"] = block.io_bits_per_op
    for key, value in traffic.items():
        if value < 0:
            raise DesignError(f"[link] {key}={value!r} is negative; use >= 0")
    # A file that states no traffic, or 0, has no link to limit.
    return {name: value for name, value in traffic.items() if value > 0}


def _between(content: Any) -> tuple[Traffic, ...]:
    """The data between named dies, ``[[traffic]]``."""
    if not isinstance(content, list):
        raise DesignError(f"traffic={content!r} must be a list of tables, [[traffic]]")
    traffic = []
    for index, given in enumerate(content, 1):
        where = f"[[traffic]] {index}"
        table = _table(given, where)
        for key in table:
            _known(key, ["between", "rate"], where)
        ends = table.get("between")
        if not isinstance(ends, list) or len(ends) != 2 or not all(type(e) is str for e in ends):
            raise DesignError(
                f'{where} between={ends!r} must name two dies, e.g. ["compute", "host"]'
            )
        if "rate" not in table:
            raise DesignError(f"{where} lacks 'rate'; write e.g. rate = '10 GB/s'")
        rate = read_quantity(table["rate"], "bit/s", f"{where} rate")
        if rate < 0:
            raise DesignError(f"{where} rate={table['rate']!r} is negative; use >= 0")
        traffic.append(Traffic(ends=(ends[0], ends[1]), bits_per_s=rate))
    return tuple(traffic)


def _file_constant(key: str, doc: str, value: float, unit: str) -> Constant:
    return Constant(
        key=key,
        doc=doc,
        value=value,
        low=value,
        high=value,
        published=value,
        unit=unit,
        source="the system file",
        note="",
        evidence="estimated",
        readiness="",
    )


def _custom_link(content: Any) -> tuple[Constant, ...]:
    table = _table(content, "[link]")
    given = {k: v for k, v in table.items() if k in _CUSTOM}
    if not given:
        return ()
    for needed in ("energy_per_bit", "reach"):
        if needed not in given:
            raise DesignError(
                f"[link] of a custom link lacks {needed!r};"
                " write e.g. energy_per_bit = '0.5 pJ/b', reach = '5 mm'"
            )
    if "edge_bandwidth" not in given and "area_bandwidth" not in given:
        raise DesignError("[link] of a custom link lacks 'edge_bandwidth' or 'area_bandwidth'")
    constants = []
    for key, value in given.items():
        entry, unit = _CUSTOM[key]
        number = read_quantity(value, unit, f"[link] {key}")
        if not number > 0:
            raise DesignError(f"[link] {key}={value!r} must be > 0")
        constants.append(
            _file_constant(f"links.{entry}.custom", key.replace("_", " "), number, unit)
        )
    return tuple(constants)


def _conductivities(content: Any) -> tuple[Constant, ...]:
    """Values for materials inside the range their source measured."""
    constants = []
    tables = load_constants()
    known = [k.rpartition(".")[2] for k in tables if k.startswith("materials.conductivity.")]
    for name, value in _table(content, "[conductivity]").items():
        _known(name, known, "[conductivity]")
        published = tables[f"materials.conductivity.{name}"]
        number = read_quantity(value, "W/m/K", f"[conductivity] {name}")
        if not published.low <= number <= published.high:
            raise DesignError(
                f"[conductivity] {name}={value!r} is outside the measured range of"
                f" {published.low:g} to {published.high:g} W/mK ({published.source})"
            )
        constants.append(_file_constant(published.key, published.doc, number, "W/mK"))
    return tuple(constants)
