"""Liberty files as synthesis wants them: one text file, only what mapping and delays need.

Power tables, waveforms and constraint arcs are most of a Liberty file; Yosys and ABC parse them in
every run and use none. The reduced file is made once and kept under the hash of its sources.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError, MachineError
from chipdse.paths import cache_folder
from chipdse.store.derived import note_use
from chipdse.store.files import is_as_written, note_digest, write_whole
from chipdse.store.sources import code_of

_KEPT_GROUPS = {
    *("library", "cell", "pin", "bus", "bundle", "type", "ff", "latch", "ff_bank", "latch_bank"),
    *("timing", "lu_table_template", "operating_conditions"),
    *("cell_rise", "cell_fall", "rise_transition", "fall_transition"),
}
_SEQUENTIAL = re.compile(r"\b(ff|latch|ff_bank|latch_bank|statetable)\s*\(|clock_gating_integrated")
_TOKEN = re.compile(r'/\*.*?\*/|"[^"]*"|[{}]', re.DOTALL)
_HEADER = re.compile(r"(\w+)\s*\(([^()]*)\)\s*\Z")
_NO_SEMICOLON = re.compile(r"^([ \t]*\w+[ \t]*:[ \t]*[^;{}\n\"]*[^;{}\n\"\s])[ \t]*$", re.MULTILINE)
# Cells that no synthesis should pick, which libraries do not always mark `dont_use`: isolation and
# level shifting, probes, spares, delays, bus holders, antenna diodes, fill, clock-tree drivers.
_NEVER = re.compile(
    r"lpflow|probe|spare|dlygate|dlymetal|dly[a-d]_|clkdly|_hold|sighold|keeper|antenna|diode|tap"
    r"|decap|fill|endcap|^HB\d|clkbuf|clkinv|^CKINV|_ckbuf|_ckinv",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class ClockGateCell:
    """An integrated clock gate for rising edges, and its pins; `test` is empty if it has none."""

    name: str
    enable: str
    clock: str
    output: str
    test: str = ""


@dataclass(frozen=True, kw_only=True)
class MappingLibrary:
    """A reduced Liberty file and what the flow must know of it.

    liberty : the reduced file, without the cells not to be used
    area : of each cell, in the library's own unit (µm² by custom)
    tie_high, tie_low : cell and pin that drive a constant; None if the library has none
    driving_cell : a small buffer (else inverter): what drives the inputs
    input_capacitance_f : of the driving cell's input; the unit for loads [F]
    flip_flops, latches : names of the sequential cells
    clock_gate : the smallest one, those without a test pin first; None if the library has none
    """

    liberty: Path
    area: dict[str, float]
    tie_high: tuple[str, str] | None
    tie_low: tuple[str, str] | None
    driving_cell: str
    input_capacitance_f: float
    flip_flops: tuple[str, ...]
    latches: tuple[str, ...]
    clock_gate: ClockGateCell | None = None


def mapping_library(files: Sequence[Path], cache: Path | None = None) -> MappingLibrary:
    """Reduce the files of one library, or take the result from the cache.

    Parameters
    ----------
    files : Liberty, plain or gzip; several make one library
    cache : folder; None is ``chipdse/liberty`` in the user's cache folder

    Raises
    ------
    DesignError : a file is missing or not Liberty, or the cells cannot implement logic
    MachineError : the cache cannot be written
    """
    folder = cache if cache is not None else cache_folder() / "liberty"
    contents = [_content(file) for file in files]
    if not contents:
        raise DesignError("no Liberty file given; name at least one")
    digest = hashlib.sha256(code_of(_reduce).encode())
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    key = digest.hexdigest()[:32]
    liberty, about = folder / f"{key}.lib", folder / f"{key}.json"
    try:
        if is_as_written(liberty) and is_as_written(about):
            note_use(liberty)
            return _from_json(liberty, json.loads(about.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there, or damaged: made again
    text, record = _reduce(files, contents)
    _write(liberty, text)
    _write(about, json.dumps(record))
    return _from_json(liberty, record)


def _content(file: Path) -> bytes:
    try:
        raw = file.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DesignError(f"Liberty file {file} cannot be read: {reason}") from error
    except zlib.error as error:
        raise DesignError(f"Liberty file {file} is not valid gzip: {error}") from error


def _write(path: Path, text: str) -> None:
    """Complete or not at all, also when several processes do it at once."""
    try:
        write_whole(path, text.encode())
        note_digest(path)
    except OSError as error:
        raise MachineError(
            f"the cache of libraries, {path.parent}, cannot be written ({error.strerror}); free "
            "space there, or set CHIPDSE_CACHE to a folder that can"
        ) from error


def _from_json(liberty: Path, known: dict[str, Any]) -> MappingLibrary:
    return MappingLibrary(
        liberty=liberty,
        area=known["area"],
        tie_high=_pair(known["tie_high"]),
        tie_low=_pair(known["tie_low"]),
        driving_cell=known["driving_cell"],
        input_capacitance_f=known["input_capacitance_f"],
        flip_flops=tuple(known["flip_flops"]),
        latches=tuple(known["latches"]),
        clock_gate=None if known["clock_gate"] is None else ClockGateCell(**known["clock_gate"]),
    )


def _pair(value: Sequence[str] | None) -> tuple[str, str] | None:
    return None if value is None else (value[0], value[1])


def _reduce(files: Sequence[Path], contents: Sequence[bytes]) -> tuple[str, dict[str, Any]]:
    """The reduced text, and the record's other fields."""
    head = ""
    templates: dict[str, str] = {}
    cells: dict[str, str] = {}
    for file, content in zip(files, contents, strict=True):
        top, groups = _groups(file, content.decode("utf-8", errors="replace"))
        head = head or top
        for kind, name, text in groups:
            if kind == "cell":
                if name in cells:
                    raise DesignError(f"cell {name!r} of {file} is in an earlier file already")
                cells[name] = text
            elif kind == "lu_table_template":
                if templates.setdefault(name, text).split() != text.split():
                    raise DesignError(f"table template {name!r} of {file} differs between files")
            elif not cells:
                templates[f"{kind} {name}"] = text
    used = {name: text for name, text in cells.items() if not _excluded(name, text)}
    record = _describe(head, used)
    parts = [head, *templates.values(), *used.values(), "}\n"]
    return "\n".join(parts), record


def _groups(file: Path, text: str) -> tuple[str, list[tuple[str, str, str]]]:
    """The library's opening and its kept child groups as (kind, name, text)."""
    groups: list[tuple[str, str, str]] = []
    stack: list[tuple[str, str, int, bool]] = []  # kind, name, where its pieces start, kept
    pieces: list[str] = []
    opening, position, skipping = "", 0, 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark[0] == '"':
            continue
        if mark[0] == "/":
            if not skipping:
                pieces.append(text[position : token.start()])
            position = token.end()
            continue
        if mark == "{":
            if skipping:
                skipping += 1
                continue
            before = text[position : token.start()].replace("\\\n", " ")
            header = _HEADER.search(before, max(0, len(before) - 4000))
            if header is None:
                line = text.count("\n", 0, token.start()) + 1
                raise DesignError(f"{file}:{line}: '{{' without a group name before it")
            kind, name = header[1], header[2].strip().strip('"')
            if not stack and kind != "library":
                line = text.count("\n", 0, token.start()) + 1
                raise DesignError(f"{file}:{line}: expected 'library (...) {{', got {kind!r}")
            pieces.append(before[: header.start()])
            position = token.end()
            if kind not in _KEPT_GROUPS or (kind == "cell" and len(stack) != 1):
                skipping = 1
                continue
            stack.append((kind, name, len(pieces), True))
            pieces.append(f"{kind} ({header[2]}) {{")
        else:
            if skipping:
                skipping -= 1
                position = token.end()
                continue
            if not stack:
                line = text.count("\n", 0, token.start()) + 1
                raise DesignError(f"{file}:{line}: '}}' closes nothing")
            pieces.append(text[position : token.end()])
            position = token.end()
            kind, name, start, _ = stack.pop()
            if len(stack) == 1:
                body = _tidy("".join(pieces[start:]))
                del pieces[start:]
                groups.append((kind, name, body))
            elif not stack:
                opening = _tidy("".join(pieces)[:-1])
                break
    if stack or not opening:
        what = "ends inside a group" if stack else "has no library group"
        raise DesignError(f"{file}: {what}; is it a complete Liberty file?")
    return opening, groups


def _tidy(text: str) -> str:
    """Every attribute closed by a semicolon (asap7 leaves some open); no empty lines.

    Wire-load models are dropped, and so must be what names them: ABC looks for them.
    """
    closed = re.sub(r"([;{])[ \t]*(?=\S)|[ \t]+(?=\})", _break, _NO_SEMICOLON.sub(r"\1 ;", text))
    lines = map(str.strip, closed.split("\n"))
    return "\n".join(line for line in lines if line and not line.startswith("default_wire_load"))


def _break(found: re.Match[str]) -> str:
    return (found[1] or "") + "\n"


def _excluded(name: str, text: str) -> bool:
    # Clock gates are often marked so that only clock gating picks them.
    marked = re.search(r'\bdont_use\s*:\s*"?true', text) is not None and _GATE not in text
    short = name.split("__")[-1]
    return marked or _NEVER.search(short) is not None


_GATE = "clock_gating_integrated_cell"
_PIN = re.compile(
    r"^pin \(([^)]*)\) \{$(.*?)(?=^(?:pin|bus|bundle) \(|\Z)", re.MULTILINE | re.DOTALL
)


def _describe(head: str, cells: dict[str, str]) -> dict[str, Any]:
    """Areas, tie cells, driving cell; sequential cells lose their timing on the way."""
    unit = re.search(r"capacitive_load_unit\s*\(\s*([\d.eE+-]+)\s*,\s*\"?(\w+)\"?\s*\)", head)
    if unit is None:
        raise DesignError("the library does not state its capacitive_load_unit")
    farads = float(unit[1]) * {"ff": 1e-15, "pf": 1e-12}[unit[2].lower()]
    area: dict[str, float] = {}
    ties: dict[str, tuple[float, str, str]] = {}
    drivers: list[tuple[bool, float, str, float]] = []
    flip_flops: list[str] = []
    latches: list[str] = []
    gates: list[tuple[bool, float, str, dict[str, str]]] = []
    for name, text in cells.items():
        found = re.search(r"^area : ([\d.eE+-]+)", text, re.MULTILINE)
        area[name] = float(found[1]) if found else 0.0
        if _SEQUENTIAL.search(text):
            if gate := _clock_gate(name, text):
                gates.append((gate["test"] != "", area[name], name, gate))
            (flip_flops if re.search(r"^ff", text, re.MULTILINE) else latches).append(name)
            cells[name] = _without_timing(text)
            continue
        inputs: dict[str, float] = {}
        outputs: dict[str, str] = {}
        for pin, body in _PIN.findall(text):
            pin = pin.strip().strip('"')
            if re.search(r'^direction : "?input', body, re.MULTILINE):
                number = re.search(r"^capacitance : ([\d.eE+-]+)", body, re.MULTILINE)
                inputs[pin] = float(number[1]) * farads if number else 0.0
            elif function := re.search(r'^function : "([^"]*)"', body, re.MULTILINE):
                outputs[pin] = re.sub(r"[()\s]", "", function[1])
        if not inputs:
            for pin, value in outputs.items():
                if value in ("0", "1"):
                    best = ties.get(value, (float("inf"), "", ""))
                    ties[value] = min(best, (area[name], name, pin))
        elif len(inputs) == 1 and len(outputs) == 1:
            (pin, load), value = next(iter(inputs.items())), next(iter(outputs.values()))
            if value in (pin, "!" + pin, pin + "'"):
                drivers.append((value != pin, area[name], name, load))
    if not drivers:
        raise DesignError("the library has no buffer and no inverter that may be used")
    _, _, driving_cell, capacitance = min(drivers)
    return {
        "area": area,
        "tie_high": ties["1"][1:] if "1" in ties else None,
        "tie_low": ties["0"][1:] if "0" in ties else None,
        "driving_cell": driving_cell,
        "input_capacitance_f": capacitance,
        "flip_flops": tuple(flip_flops),
        "latches": tuple(latches),
        "clock_gate": min(gates)[3] if gates else None,
    }


def _clock_gate(name: str, text: str) -> dict[str, str] | None:
    """The pins of a clock gate for rising edges, by what they are for; None for other cells."""
    if not re.search(rf'^{_GATE} : "?latch_posedge', text, re.MULTILINE):
        return None
    pins = {"name": name, "enable": "", "clock": "", "output": "", "test": ""}
    names = {"enable": "enable", "clock": "clock", "out": "output", "test": "test"}
    for pin, body in _PIN.findall(text):
        for what in re.findall(r'^clock_gate_(\w+)_pin : "?true', body, re.MULTILINE):
            if what in names:
                pins[names[what]] = pin.strip().strip('"')
    return pins if pins["enable"] and pins["clock"] and pins["output"] else None


def _without_timing(text: str) -> str:
    """A sequential cell without its timing groups, which neither Yosys nor ABC reads."""
    kept, depth = [], 0
    for line in text.split("\n"):
        if depth or line.startswith("timing ("):
            depth += line.count("{") - line.count("}")
            continue
        kept.append(line)
    return "\n".join(kept)
