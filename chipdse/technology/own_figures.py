"""Figures that the user gives instead of the tables' constants, with unit, range and source.

A figure is text: ``"9000 USD"``, ``"0.12 /cm2 (0.08 to 0.2)"``, ``"50 g/kWh from a meter"``.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from unicodedata import category

from chipdse.errors import DesignError
from chipdse.technology.constants import SI_FACTORS, Constant, find_constant, load_table, variants

OWN_TABLES = ("cost", "carbon", "grids", "links", "thermal", "materials", "memory")
"""Tables whose constants the user may give. They enter the package models only, which no stored
stage depends on."""
USER = "given by the user"
"""Start of the source of every figure of the user."""
CUSTOM = "custom"
"""Name of a variant that the tables do not have, e.g. of a memory technology."""

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_FIGURE = re.compile(
    rf"\s*(?P<value>{_NUMBER})\s*(?P<unit>[^()]*?)\s*"
    rf"(?:\(\s*(?P<low>{_NUMBER})\s+to\s+(?P<high>{_NUMBER})\s*\))?\s*"
    r"(?:\bfrom\s+(?P<source>\S.*?))?\s*"
)
_EXAMPLE = "VALUE UNIT, VALUE UNIT (LOW to HIGH), or either followed by 'from SOURCE'"
_LONGEST = 1000
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories of characters that control a terminal or break a line."""

_KINDS: tuple[dict[str, float], ...] = (
    {"gCO2e/kWh": 1e-3 / 3.6e6, "g/kWh": 1e-3 / 3.6e6, "kg/kWh": 1 / 3.6e6},
    {"1/cm2": 1e4, "/cm2": 1e4, "1/mm2": 1e6, "/mm2": 1e6, "1/m2": 1.0, "/m2": 1.0},
    {"USD/mm2": 1e6, "USD/cm2": 1e4},
    {"kWh/cm2": 3.6e10, "kWh/mm2": 3.6e12},
    {"g/cm2": 10.0, "kg/cm2": 1e4, "g/mm2": 1e3},
    {"pJ/b": 1e-12, "fJ/b": 1e-15, "J/b": 1.0},
    {"Gb/s": 1e9, "Tb/s": 1e12, "GB/s": 8e9, "TB/s": 8e12},
    {"Gb/s/mm": 1e12, "GB/s/mm": 8e12, "TB/s/mm": 8e15},
    {"GB/s/mm2": 8e15, "TB/s/mm2": 8e18},
    {"m": 1.0, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "nm": 1e-9},
    {"mm2": 1e-6, "cm2": 1e-4, "um2": 1e-12},
    {"-": 1.0, "": 1.0, "%": 1e-2},
)


def units_of(unit: str) -> Mapping[str, float]:
    """What may be written for a published unit, with the factors to SI."""
    return next((kind for kind in _KINDS if unit in kind), {unit: SI_FACTORS[unit]})


def read_own(key: str, text: str, where: str) -> Constant:
    """One constant as the user gives it.

    Parameters
    ----------
    key : of the constant, as in the tables: ``cost.wafer_price.n7``
    text : the figure, as the docstring of this module describes it
    where : its place in a file or a command, for messages

    Raises
    ------
    DesignError : there is no such constant, or the text is not a figure in one of its units
    """
    return _figure(key, text, _like(key, where), f"{where}{key}")


def _figure(key: str, text: Any, like: Constant, what: str) -> Constant:
    """The figure, in the published unit and in SI.

    like : the constant, or another one of the same entry
    """
    if isinstance(text, int | float) and not isinstance(text, bool) and like.unit == "-":
        text = f"{text!r}"
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise DesignError(f"{what} = {str(text)[:40]!r} must be text with a unit; write {_EXAMPLE}")
    # A source is printed: a file of somebody else must not send commands to the terminal.
    hidden = next((letter for letter in text.strip() if category(letter) in _HIDDEN), None)
    if hidden is not None:
        raise DesignError(
            f"{what} = {text!r} has the character {hidden!r}; write one line of printable text"
        )
    match = _FIGURE.fullmatch(text)
    if match is None:
        raise DesignError(f"{what} = {text!r} is not a figure; write {_EXAMPLE}")
    units = units_of(like.unit)
    if match["unit"] not in units:
        given = f"unit {match['unit']!r}" if match["unit"] else "no unit"
        raise DesignError(f"{what} = {text!r} has {given}; write one of {_listed(units)}")
    factor = units[match["unit"]]
    value, low, high = (
        float(match[name] if match[name] is not None else match["value"])
        for name in ("value", "low", "high")
    )
    if not low <= value <= high:
        raise DesignError(
            f"{what} = {text!r} lies outside its own range; write a range that contains the value"
        )
    _check_bounds(key, what, text, low * factor, high * factor)
    source = f"{USER}: {match['source']}" if match["source"] else USER
    published = value if factor == SI_FACTORS[like.unit] else value * factor / SI_FACTORS[like.unit]
    return Constant(
        key=key,
        doc=like.doc,
        value=value * factor,
        low=low * factor,
        high=high * factor,
        published=published,
        unit=like.unit,
        source=source,
        note="",
        evidence="input",
        readiness="",
    )


def _check_bounds(key: str, what: str, text: str, low: float, high: float) -> None:
    """Refuse values that a constant of this kind cannot have."""
    entry = key.split(".")[1]
    share = entry.endswith(("_yield", "_frac"))
    least = "> 0"
    impossible = not low > 0
    if key.startswith("grids.") or entry == "idle_power_frac":
        impossible, least = not low >= 0, ">= 0"
    if not math.isfinite(high) or impossible:
        raise DesignError(f"{what} = {text!r} must be finite and {least}, also its range")
    if share and high > 1:
        raise DesignError(f"{what} = {text!r} exceeds 1; write a share from 0 to 1, or in %")


def _listed(units: Mapping[str, float]) -> str:
    return ", ".join(repr(unit) if unit else "a number alone" for unit in units)


def _like(key: str, where: str) -> Constant:
    """The constant of a key; for a new variant, one of the same entry, which has the same unit."""
    table, _, rest = key.partition(".")
    if table not in OWN_TABLES:
        raise DesignError(
            f"{where}{key}: constants of {table!r} cannot be given; write one of the tables "
            f"{', '.join(OWN_TABLES)}"
        )
    if (constant := find_constant(key)) is not None:
        return constant
    entry, _, variant = rest.partition(".")
    known = variants(f"{table}.{entry}")
    if known and _may_be_new(variant, known):
        return load_table(table)[f"{table}.{entry}.{known[0]}"]
    keys = list(load_table(table))
    near = difflib.get_close_matches(key, keys, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"write e.g. {keys[0]!r}"
    raise DesignError(f"{where}{key} is not a constant of the tables; {hint}")


def _may_be_new(variant: str, known: tuple[str, ...]) -> bool:
    """Whether an entry may have a variant that its table does not have: a process node, or one
    that is named `CUSTOM`."""
    if all(re.fullmatch(r"n\d+", name) for name in known):
        return re.fullmatch(r"n[1-9]\d{0,3}", variant) is not None
    return variant == CUSTOM


def read_own_table(content: Any, where: str) -> tuple[Constant, ...]:
    """The constants of a table ``[constants]`` of a file, in its order.

    Parameters
    ----------
    content : nested tables, as TOML reads dotted keys, or keys in quotes
    where : what stands before ``[constants]`` in messages

    Raises
    ------
    DesignError : as of `read_own`, or a constant is given twice
    """
    if not isinstance(content, Mapping):
        raise DesignError(f"{where}[constants] must be a table, not {content!r}")
    constants: dict[str, Constant] = {}
    for key, text in _leaves(content, ""):
        if key in constants:
            raise DesignError(f"{where}[constants] {key} is given twice; keep one")
        constants[key] = read_own(key, text, f"{where}[constants] ")
    return tuple(constants.values())


def _leaves(content: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value


def own_grid(text: str) -> Constant:
    """The carbon intensity of the user's own grid, e.g. of ``"50 g/kWh (40 to 60)"``.

    Raises
    ------
    DesignError : the text is not a figure in a unit of a grid's intensity
    """
    like = load_table("grids")["grids.intensity.world"]
    return _figure(f"grids.intensity.{text.strip()}", text, like, "grid")


def own_grid_fault(text: Any) -> str | None:
    """The fault of a text as the intensity of a grid; empty for an intensity without a fault, None
    for a text that does not start with a number."""
    if not isinstance(text, str) or not text.strip()[:1].isdigit():
        return None
    try:
        own_grid(text)
    except DesignError as error:
        return str(error).partition(" = ")[2].removeprefix(repr(text)).strip()
    return ""


def is_own(constant: Constant) -> bool:
    """Whether a constant is the user's."""
    return constant.source.startswith(USER)


def own_figures(used: Mapping[str, Constant]) -> list[Constant]:
    """The user's constants among those that a result used, by key."""
    return [used[key] for key in sorted(used) if is_own(used[key])]


def figure_text(constant: Constant) -> str:
    """A constant as one line: ``cost.wafer_price.n7 = 9000 USD (8000 to 12000), given by the
    user``."""
    factor = SI_FACTORS[constant.unit]
    unit = "" if constant.unit == "-" else f" {constant.unit}"
    spread = ""
    if constant.low < constant.high:
        spread = f" ({constant.low / factor:.6g} to {constant.high / factor:.6g})"
    return f"{constant.key} = {constant.published:.6g}{unit}{spread}, {constant.source}"


def own_setting(constant: Constant) -> str:
    """A user's figure as a setting that gives it again: ``cost.wafer_price.n7=9000 USD``."""
    unit = "" if constant.unit == "-" else f" {constant.unit}"
    low, high = _bound(constant, constant.low), _bound(constant, constant.high)
    spread = f" ({low} to {high})" if constant.low < constant.high else ""
    _, _, source = constant.source.partition(f"{USER}: ")
    origin = f" from {source}" if source else ""
    return f"{constant.key}={constant.published!r}{unit}{spread}{origin}"


def _bound(constant: Constant, bound: float) -> str:
    """A bound of a range in the published unit, with as few digits as give it again.

    A bound that is the value has the digits of the value: it must not lie on its other side.
    """
    if bound == constant.value:
        return repr(constant.published)
    published = bound / SI_FACTORS[constant.unit]
    texts = (f"{published:.{digits}g}" for digits in (15, 16, 17))
    return next(
        (text for text in texts if float(text) * SI_FACTORS[constant.unit] == bound),
        repr(published),
    )
