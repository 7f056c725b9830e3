"""What one evaluation is about: a block, its parameters, and everything around it."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from chipdse_hdl import BLOCKS
from chipdse_hdl.block import Block

from chipdse.blocks.find import find_own, is_reference
from chipdse.errors import DesignError
from chipdse.hardware.synthesise import SynthesisOptions
from chipdse.system.parameters import PackageParameters


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """Supply, temperature and clock.

    vdd_v : supply [V]; None is the library's nominal supply
    temperature_c : junction temperature at which the library is read [°C]; None is its nominal one
    clock_frac : clock frequency as a fraction of the highest at which timing is met, in (0, 1]
    clock_period_s : the clock period itself [s], instead of `clock_frac`
    """

    vdd_v: float | None = None
    temperature_c: float | None = None
    clock_frac: float = 1.0
    clock_period_s: float | None = None

    def __post_init__(self) -> None:
        for field_ in dataclasses.fields(self):
            value = getattr(self, field_.name)
            if value is not None and (type(value) not in (int, float) or not isfinite(value)):
                raise DesignError(f"{field_.name}={value!r} must be a number in SI units")
        if self.vdd_v is not None and not self.vdd_v > 0:
            raise DesignError(f"vdd_v={self.vdd_v!r} must be above 0")
        if not 0 < self.clock_frac <= 1:
            raise DesignError(
                f"clock_frac={self.clock_frac!r} is not in (0, 1]; 1 is as fast as timing allows"
            )
        if self.clock_period_s is not None and not self.clock_period_s > 0:
            raise DesignError(f"clock_period_s={self.clock_period_s!r} must be above 0")
        if self.clock_period_s is not None and self.clock_frac != 1:
            raise DesignError("clock_period_s and clock_frac are both given; leave one out")


@dataclass(frozen=True, kw_only=True)
class PhysicalOptions:
    """What of layout is counted before there is a layout.

    wires : "none"; "formula", by the size of the netlist; "placed", from a placement; "auto" is
        "placed" where wire constants of the library's process are known, else "none"
    clock_tree : count the clock's buffers and wires; left out with wires="none", and where "auto"
        finds no constants
    glitches : count transitions within a cycle, by a replay with delays
    glitch_cycles : cycles drawn for that replay; 0 takes every cycle of the run
    utilisation : share of the core that cells fill, in (0, 1]
    aspect : height of the core over its width
    placement_seed : of the placement's start and of the drawn cycles
    """

    wires: str = "auto"
    clock_tree: bool = True
    glitches: bool = True
    glitch_cycles: int = 512
    utilisation: float = 0.7
    aspect: float = 1.0
    placement_seed: int = 0

    def __post_init__(self) -> None:
        levels = ("auto", "none", "formula", "placed")
        if self.wires not in levels:
            raise DesignError(f"wires={self.wires!r} is not one of {', '.join(levels)}")
        for name in ("clock_tree", "glitches"):
            if type(getattr(self, name)) is not bool:
                raise DesignError(f"{name}={getattr(self, name)!r} must be true or false")
        for name in ("glitch_cycles", "placement_seed"):
            value = getattr(self, name)
            if type(value) is not int or value < 0:
                raise DesignError(f"{name}={value!r} must be a whole number of at least 0")
        for name, low, high in (("utilisation", 0.05, 0.95), ("aspect", 0.1, 10.0)):
            value = getattr(self, name)
            if type(value) not in (int, float) or not low <= value <= high:
                raise DesignError(f"{name}={value!r} must lie between {low} and {high}")


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
    """One point: hardware, workload, library, operating point and package."""

    block: Block
    parameters: Any
    workload: Any
    library: LibraryChoice
    synthesis: SynthesisOptions = field(default_factory=SynthesisOptions)
    operating: OperatingPoint = field(default_factory=OperatingPoint)
    package: PackageParameters = field(default_factory=PackageParameters)
    physical: PhysicalOptions = field(default_factory=PhysicalOptions)


def find_block(name: str, folder: str | Path = "") -> Block:
    """A block that ships, by its name, or one of the user's own (docs/howto/own_block.md).

    Parameters
    ----------
    name : a name of `chipdse_hdl.BLOCKS`, ``package.module:attribute`` or the path of a ``.toml``
        file
    folder : where a block of the user's own is looked for; default the current folder

    Raises
    ------
    DesignError : there is none; says the nearest name
    """
    if name in BLOCKS:
        return BLOCKS[name]
    if is_reference(name):
        return find_own(name, str(Path(folder).absolute()))
    raise DesignError(
        f"block {name!r} does not exist; {suggest(name, BLOCKS)} "
        "(or, for your own, package.module:attribute or a .toml file)"
    )


def make_record(kind: type, values: Mapping[str, Any], where: str) -> Any:
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
    names = [one.name for one in dataclasses.fields(kind)]
    for name in values:
        if name not in names:
            raise DesignError(f"{where}: {name!r} is not a parameter; {suggest(name, names)}")
    for one in dataclasses.fields(kind):
        if one.name not in values and one.default is dataclasses.MISSING:
            raise DesignError(f"{where}: {one.name!r} has no default; give it a value")
    try:
        return kind(**values)
    except (ValueError, TypeError) as error:
        raise DesignError(f"{where}: {error}") from error
    except DesignError as error:
        raise DesignError(f"{where}: {error}") from error


def parse_settings(kind: type, settings: list[str], where: str) -> dict[str, Any]:
    """Values for `make_record` from the command line's ``name=value`` texts."""
    fields = {one.name: one for one in dataclasses.fields(kind)}
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


def suggest(name: str, known: Collection[str]) -> str:
    """What to write instead of a name nobody knows."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(sorted(known))}"
