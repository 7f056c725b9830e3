"""A design: a block with its parameters, workload, library, operating point and package."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from chipdse_hdl import BLOCKS
from chipdse_hdl.block import Block, Record

from chipdse.blocks.find import find_own, is_reference
from chipdse.errors import DesignError
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.records import Absent, check_knobs, knob, read_absent
from chipdse.system.parameters import PackageParameters
from chipdse.technology.constants import Constant

PROCESS_CORNERS = ("typical", "slow", "fast", "slow-fast", "fast-slow")
"""Process corners that a library may have; the last two name the n transistors first."""
VIEWS = ("typical", "guaranteed")


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """Supply, temperature, process corner and clock, and whether figures are guaranteed."""

    vdd_v: float | None = knob(
        None, "supply voltage; by default the library's nominal one", "V", kind=float, above=0
    )
    temperature_c: float | None = knob(
        None,
        "junction temperature at which the library is read; by default its nominal one",
        "°C",
        kind=float,
    )
    process: str | None = knob(
        None,
        "process corner of all transistors; by default the library's typical one",
        kind=str,
        choices=PROCESS_CORNERS,
    )
    view: str = knob(
        "typical",
        "typical: every figure of a typical chip at this supply and temperature; guaranteed: clock,"
        " hold slack and leakage that every chip meets within the tolerances below, energy of a"
        " typical chip",
        choices=VIEWS,
    )
    supply_tolerance_frac: float = knob(
        0.05,
        "of the guaranteed view: how far the supply voltage may deviate",
        minimum=0.0,
        maximum=0.5,
    )
    lowest_temperature_c: float = knob(
        0.0, "of the guaranteed view: lowest junction temperature", "°C"
    )
    highest_temperature_c: float = knob(
        85.0, "of the guaranteed view: highest junction temperature", "°C"
    )
    corner_temperatures: str = knob(
        "range",
        "of the guaranteed view: range takes the two temperatures above; library takes those at"
        " which the library's slow and fast corners are characterised",
        choices=("range", "library"),
    )
    timing_sigma: float | None = knob(
        None,
        "of the guaranteed view: standard deviations of mismatch that clock and hold slack cover; 0"
        " is none; by default 3 if the library states deviations, otherwise 0",
        kind=float,
        minimum=0.0,
        maximum=6.0,
    )
    clock_frac: float = knob(
        1.0,
        "clock frequency as a fraction of the highest at which timing is met",
        above=0,
        maximum=1,
    )
    clock_period_s: float | None = knob(
        None, "the clock period itself, instead of `clock_frac`", "s", kind=float, above=0
    )

    def __post_init__(self) -> None:
        check_knobs(self)
        if self.clock_period_s is not None and self.clock_frac != 1:
            raise DesignError("clock_period_s and clock_frac are both given; leave one out")
        if self.is_guaranteed and self.process is not None:
            raise DesignError(
                f"process={self.process!r} and view='guaranteed' are both given; the view takes the"
                " slow and the fast process corner itself: leave process out"
            )
        if self.timing_sigma and not self.is_guaranteed:
            raise DesignError(
                f"timing_sigma={self.timing_sigma!r} is of the guaranteed view; add "
                "view='guaranteed' or leave timing_sigma out"
            )
        if self.lowest_temperature_c > self.highest_temperature_c:
            raise DesignError(
                f"lowest_temperature_c={self.lowest_temperature_c!r} is above "
                f"highest_temperature_c={self.highest_temperature_c!r}; swap them"
            )

    @property
    def is_guaranteed(self) -> bool:
        """Whether clock, hold slack and leakage are guaranteed for every chip."""
        return self.view == "guaranteed"

    @property
    def corner(self) -> OperatingPoint:
        """The same point without its clock; points of one corner share timing and energy per cycle.

        The tolerances of the guaranteed view are left out of a typical point, which they do not
        affect.
        """
        values: dict[str, Any] = {
            field.name: field.default
            for field in dataclasses.fields(self)
            if field.name in _CLOCK or (field.name in _RANGE and not self.is_guaranteed)
        }
        return dataclasses.replace(self, **values)


_CLOCK = ("clock_frac", "clock_period_s")
CORNER_PARAMETERS = tuple(
    record_field.name
    for record_field in dataclasses.fields(OperatingPoint)
    if record_field.name not in _CLOCK
)
"""Fields of an operating point that decide which tables of a library are read."""
_RANGE = (
    "supply_tolerance_frac",
    "lowest_temperature_c",
    "highest_temperature_c",
    "corner_temperatures",
)


@dataclass(frozen=True, kw_only=True)
class PhysicalOptions:
    """The estimates of layout that are included in the results."""

    wires: str = knob(
        "auto",
        "none; formula, by the size of the netlist; placed, from a placement; auto is placed where"
        " wire constants of the library's process are known, else none",
        choices=("auto", "none", "formula", "placed"),
    )
    clock_tree: bool = knob(
        True,
        "count the clock's buffers and wires; left out with wires=none",
    )
    added_cells: bool = knob(
        True,
        "count the cells that layout adds or enlarges, by shares of routed designs; left out with"
        " wires=none",
    )
    calibration: str | None = knob(
        None,
        "file with the calibration of layout from the user's routed designs",
        kind=str,
        absent=Absent(written="", meaning="the calibration of the library's process"),
    )
    glitches: bool = knob(True, "count transitions within a cycle, by a replay with delays")
    glitch_cycles: int | None = knob(
        512,
        "cycles drawn for that replay",
        minimum=1,
        absent=Absent(written=0, meaning="every cycle of the run"),
    )
    utilisation: float = knob(0.6, "share of the core that cells fill", minimum=0.05, maximum=0.95)
    aspect: float = knob(1.0, "height of the core over its width", minimum=0.1, maximum=10.0)
    placement_seed: int = knob(
        0, "seed of the placement's start and of the drawn cycles", minimum=0
    )

    def __post_init__(self) -> None:
        read_absent(self)
        check_knobs(self)


@dataclass(frozen=True, kw_only=True)
class LibraryChoice:
    """A cell library by name, or the user's Liberty files (several files are one library)."""

    name: str | None = None
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if (self.name is None) == (not self.files):
            raise DesignError("a library is a name or Liberty files; give one of the two")


@dataclass(frozen=True, kw_only=True)
class Design:
    """One point: hardware, workload, library, operating point and package.

    constants : figures of the user; the package models use them instead of those of the tables
    """

    block: Block
    parameters: Record
    workload: Record
    library: LibraryChoice
    synthesis: SynthesisOptions = field(default_factory=SynthesisOptions)
    operating: OperatingPoint = field(default_factory=OperatingPoint)
    package: PackageParameters = field(default_factory=PackageParameters)
    physical: PhysicalOptions = field(default_factory=PhysicalOptions)
    constants: tuple[Constant, ...] = ()


def find_block(name: str, folder: str | Path = "") -> Block:
    """A block that ships, by its name, or one of the user's own (docs/howto/own_block.md).

    Parameters
    ----------
    name : a name of `chipdse_hdl.BLOCKS`, ``package.module:attribute`` or the path of a ``.toml``
        file
    folder : in which a user's own block is searched; default the current folder

    Raises
    ------
    DesignError : no such block; the message suggests the most similar name
    """
    if name in BLOCKS:
        return BLOCKS[name]
    if is_reference(name):
        return find_own(name, str(Path(folder).absolute()))
    raise DesignError(
        f"block {name!r} does not exist; {suggest(name, BLOCKS)} "
        "(or, for your own, package.module:attribute or a .toml file)"
    )


AnyRecord = TypeVar("AnyRecord", bound=Record)


def make_record(kind: type[AnyRecord], values: Mapping[str, Any], where: str) -> AnyRecord:
    """A parameter record from names and values.

    Parameters
    ----------
    kind : a frozen dataclass whose constructor checks the values
    values : by field name; fields left out take their defaults
    where : what the record is, for messages: "mac_array" or "sweep.toml [hardware]"

    Raises
    ------
    DesignError : unknown name, or a value the record refuses
    """
    names = [field.name for field in dataclasses.fields(kind)]
    for name in values:
        if name not in names:
            raise DesignError(f"{where}: {name!r} is not a parameter; {suggest(name, names)}")
    for record_field in dataclasses.fields(kind):
        if record_field.name not in values and record_field.default is dataclasses.MISSING:
            raise DesignError(f"{where}: {record_field.name!r} has no default; give it a value")
    try:
        return kind(**values)
    except (ValueError, TypeError) as error:
        raise DesignError(f"{where}: {error}") from error
    except DesignError as error:
        raise DesignError(f"{where}: {error}") from error


def parse_settings(kind: type[Record], settings: list[str], where: str) -> dict[str, Any]:
    """Values for `make_record` from the command line's ``name=value`` texts."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise DesignError(f"{setting!r} is not name=value; write e.g. {next(iter(fields))}=4")
        if name not in fields:
            raise DesignError(f"{where}: {name!r} is not a parameter; {suggest(name, fields)}")
        if name in values:
            raise DesignError(f"{where}: {name!r} is set twice; set it once")
        values[name] = _parse_value(text)
    return values


def _parse_value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


SUGGESTED = 40
"""Largest number of names that a message lists."""


def suggest(name: str, known: Collection[str]) -> str:
    """A suggestion to print for an unknown name: the nearest names, or the first of all names."""
    near = difflib.get_close_matches(name, list(known), n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    names = sorted(known)
    if named := _with_word(name, names):
        return f"did you mean {' or '.join(map(repr, named))}?"
    if len(names) <= SUGGESTED:
        return f"use one of {', '.join(names)}"
    nearest = difflib.get_close_matches(name, names, n=SUGGESTED, cutoff=0.0)
    return f"use one of {', '.join(sorted(nearest))}, ... ({len(names)} names)"


def _with_word(name: str, known: list[str]) -> list[str]:
    """At most three names with a word similar to `name`; those that begin with it come first."""
    words = {word for candidate in known for word in candidate.split("_") if len(word) > 2}
    near = difflib.get_close_matches(name, sorted(words), n=1, cutoff=0.75)
    if not near:
        return []
    having = [candidate for candidate in known if near[0] in candidate.split("_")]
    return sorted(
        having, key=lambda candidate: (not candidate.startswith(near[0]), len(candidate))
    )[:3]
