"""Verilog and SystemVerilog of someone's own, read as RTLIL by one of Yosys's two readers.

Its built-in one is quick, keeps the hierarchy and knows a part of SystemVerilog; slang, which comes
with the wheel, knows all of it, is stricter, and flattens.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chipdse.blocks.own import VerilogSource
from chipdse.errors import DesignError, MachineError, ToolError
from chipdse.hardware.reading_limits import run_reader
from chipdse.hardware.registers import ALWAYS_DRIVEN
from chipdse.store.place import Place, Read
from chipdse.tools import remove_links, script_path

_READ, _FILES, _LISTED = "read.il", "slang.f", "read_verilog.json"
# What people's older sources rely on, and every simulator allows.
_LENIENT = ("--single-unit", "--allow-use-before-declare", "--relax-enum-conversions")
_INTERFACES = "--allow-toplevel-iface-ports"
_BLACK_BOX = re.compile(r"^attribute \\blackbox 1\n(?:attribute .*\n)*module (\S+)", re.MULTILINE)
_PORT = re.compile(r"^  wire .*?(?:input|output|inout) \d+ (\S+)$", re.MULTILINE)
_FLOATING = re.compile(r"\b\d+'[01x-]*z")
_COMPARED = re.compile(r"^  cell \$(?:eqx|nex) .*\n(?:    .*\n)*", re.MULTILINE)
_COMPARES = (
    "compares with 'z (=== or !==), which no netlist can: its nets are 0 or 1; compare with 0 and "
    "1, or use casez for bits that do not matter"
)
_TRISTATE_BUFFER = re.compile(
    r"^  cell \$(?:_TBUF_|tribuf) .*\n(?:    .*\n)*?    connect \\Y \\?(\S+)", re.MULTILINE
)
_UNDRIVEN_NETS = re.compile(r"\b(tri0|tri1|trireg)\b")
# Yosys's own reader leaves an interface port of a top out and makes up a wire for what it holds.
_MADE_UP = re.compile(r"Warning: Identifier `\\(\w+)\.([^']*)' is implicitly declared")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_FORMAL = re.compile(r"\b(assert|assume|cover|restrict|property|sequence|covergroup)\b")
_CONSTANT = re.compile(r"[A-Za-z_]\w*::[A-Za-z_]\w*", re.ASCII)  # of a SystemVerilog package


def read_verilog(
    verilog: VerilogSource, parameters: Mapping[str, Any], folder: Path, top: str
) -> str:
    """RTLIL of Verilog files, the parameters of their top overridden, the top called `top`.

    Raises
    ------
    DesignError : neither reader accepts the sources; the message has theirs
    """
    try:
        text = _read(verilog, parameters, folder, top)
    finally:
        remove_links(folder)
    _refuse_floating(text, verilog)
    for name in _BLACK_BOX.findall(text):
        if re.search(rf"^  cell {re.escape(name)} ", text, re.MULTILINE):
            raise DesignError(f"module {name[1:]!r} is a black box; add its Verilog to sources")
    return _tame_ports(text, top)


def _refuse_floating(rtlil: str, verilog: VerilogSource) -> None:
    """Raise DesignError where RTLIL compares with 'z, or drives it."""
    compared = [match[0] for match in _COMPARED.finditer(rtlil) if _FLOATING.search(match[0])]
    if compared:
        raise DesignError(f"{verilog.top} {_COMPARES}")
    if buffer := _TRISTATE_BUFFER.search(rtlil):
        raise DesignError(f"{buffer[1]} is driven by a tristate buffer; {ALWAYS_DRIVEN}")
    if _FLOATING.search(rtlil):
        raise DesignError(f"{verilog.top} drives 'z: that is a tristate; {ALWAYS_DRIVEN}")


def port_name(name: str) -> str:
    """What a port of someone's Verilog is called in the RTL: ``bus.valid`` is ``bus__valid``."""
    if re.fullmatch(r"[A-Za-z_]\w*|", name, re.ASCII):
        return name
    tame = re.sub(r"\W+", "__", name, flags=re.ASCII).strip("_")
    return tame if re.match(r"[A-Za-z]", tame) else f"port_{tame}"


def _tame_ports(rtlil: str, top: str) -> str:
    """RTLIL whose top has ports that a bench can name: ``bus.valid`` becomes ``bus__valid``."""
    module = rtlil[rtlil.index(f"\nmodule \\{top}\n") :]
    tame: dict[str, str] = {}
    words = set(rtlil.split())
    for port in _PORT.findall(module[: module.index("\nend\n")]):
        name = "\\" + port_name(port[1:])
        if name != port:
            if name in words or name in tame.values():
                raise DesignError(f"port {port[1:]!r} would be called {name[1:]!r}: taken")
            tame[port] = name
    if not tame:
        return rtlil
    odd = "|".join(map(re.escape, tame))
    return re.sub(rf"(?<!\S)({odd})(?!\S)", lambda match: tame[match[1]], rtlil)


def _read(verilog: VerilogSource, parameters: Mapping[str, Any], folder: Path, top: str) -> str:
    if verilog.reader == "slang":
        return _by_slang(verilog, parameters, folder, top)
    try:
        text = _by_yosys(verilog, parameters, folder, top)
    except MachineError:
        raise
    except ToolError as error:
        complaint = _complaint(verilog, str(error))
        if complaint != str(error) or verilog.reader == "yosys":
            raise DesignError(complaint) from error
    else:
        made_up = _MADE_UP.search((folder / "read_verilog.log").read_text(errors="replace"))
        if made_up is None:
            return text
        complaint = f"takes no interface {made_up[1]!r} as a port"
        if verilog.reader == "yosys":
            raise DesignError(f'Yosys\'s own reader {complaint}; set reader = "slang"')
        (folder / _LISTED).unlink()  # not what slang reads
    try:
        return _by_slang(verilog, parameters, folder, top)
    except DesignError as error:
        text = "\n".join(path.read_text(errors="replace") for path in verilog.sources)
        if undriven := _UNDRIVEN_NETS.search(_COMMENT.sub(" ", text)):
            raise DesignError(
                f"neither reader takes a {undriven[1]} net, whose value is not always driven; "
                f"make it a wire and {ALWAYS_DRIVEN}"
            ) from error
        raise DesignError(f"{error}; Yosys's own reader: {_brief(complaint)}") from error


def _by_yosys(verilog: VerilogSource, parameters: Mapping[str, Any], folder: Path, top: str) -> str:
    for name, value in verilog.defines:
        if not re.fullmatch(r"[\w'.+*/$()<>=&|^~-]*", value, re.ASCII):
            raise ToolError(f"Yosys's own reader cannot be given the macro {name}={value}")
    options = [f"-I {_unquoted(path, folder)}" for path in verilog.include]
    options += [f"-I {_unquoted(path, folder)}" for path in _linked_parents(verilog, folder)]
    options += [f"-D {name}={value}" for name, value in verilog.defines]
    given = [f"-chparam {name} {_bits(value)}" for name, value in parameters.items()]
    script = [
        # Deferred: only what the top instantiates is elaborated, with the parameters it gives.
        *(
            f"read_verilog -defer {'-sv ' if path.suffix == '.sv' else ''}{' '.join(options)} "
            f"{script_path(path, folder)}"
            for path in verilog.sources
        ),
        f"hierarchy -check -top {verilog.top} {' '.join(given)}",
        *_finish(top),
    ]
    run_reader("read_verilog", script, folder, _LISTED)
    _note_targets(folder)
    return (folder / _READ).read_text()


def digests_before(verilog: VerilogSource, place: Place) -> dict[str, str]:
    """Digests of the files that the sources name, before they are read: for `verilog_reads`."""
    names = (place.name(path) for path in (*verilog.sources, *verilog.included))
    return {name: place.now("file", name) for name in names}


def verilog_reads(
    verilog: VerilogSource,
    parameters: Mapping[str, Any],
    folder: Path,
    place: Place,
    before: Mapping[str, str],
) -> tuple[Read, ...]:
    """The files that `read_verilog` read for what it left in `folder`.

    By Yosys's own list where Yosys read them; slang gives none, so there every file that the
    sources name in a text counts, and headers beside them. A file counts as well that is not there
    and would come first where an included one is looked for.
    """
    listed = folder / _LISTED
    if listed.is_file():
        paths = [folder / name for name in json.loads(listed.read_text())]
        files = [path for path in paths if not path.is_relative_to(folder)]  # else the script
    else:
        texts = [value for value in parameters.values() if isinstance(value, str)]
        files = [*verilog.sources, *verilog.named(texts)]
    absent = [path for file in files for path in _places_before(file, files, verilog.include)]
    return tuple(
        Read(kind="file", name=name, digest=before.get(name) or place.now("file", name))
        for name in dict.fromkeys(place.name(path) for path in (*files, *absent))
    )


def _places_before(file: Path, files: Sequence[Path], include: Sequence[Path]) -> list[Path]:
    """Where there is no file yet, and one of the same name would be found before `file`.

    Readers look beside the file that includes, which may be any of `files`, then in the folders of
    `include`, the first one first.
    """
    parents = list(dict.fromkeys(source.parent for source in files))
    places: dict[Path, None] = {}
    for folder in dict.fromkeys([*parents, *include]):
        if file.is_relative_to(folder):
            name = file.relative_to(folder)
            earlier = include[: include.index(folder)] if folder in include else ()
            places |= dict.fromkeys(parent / name for parent in (*parents, *earlier))
    return [path for path in places if not path.exists()]


def _note_targets(folder: Path) -> None:
    """Put into Yosys's list what it read through the links of a folder, which soon go."""
    listed = folder / _LISTED
    if not listed.is_file():
        return
    names = []
    for name in json.loads(listed.read_text()):
        path = Path(os.path.normpath(folder / name))
        if path.is_relative_to(folder) and path != folder:
            first, *rest = path.relative_to(folder).parts
            if (folder / first).is_symlink():
                path = Path((folder / first).readlink(), *rest)
        names.append(str(path))
    listed.write_text(json.dumps(names))


def _by_slang(verilog: VerilogSource, parameters: Mapping[str, Any], folder: Path, top: str) -> str:
    # It does not report a parameter that does not exist.
    text = "\n".join(path.read_text(errors="replace") for path in verilog.sources)
    text = _COMMENT.sub(" ", text)
    for name in parameters:
        if not re.search(rf"\b{name}\b\s*(\[[^]]*]\s*)*=", text):
            raise DesignError(_no_parameter(name, verilog))
    options = [*_LENIENT, _INTERFACES]
    folders = (*verilog.include, *_linked_parents(verilog, folder))
    options += [f"-I {script_path(path, folder)}" for path in folders]
    for name, value in verilog.defines:
        # In a command file slang takes what follows a dollar sign for a variable of the shell.
        if "$" in value:
            raise DesignError(f"macro {name} = {value!r}: slang takes no dollar sign; name it else")
        options += [f"-D {_quoted(f'{name}={value}')}"]
    options += [f"-G {_quoted(f'{name}={_written(v)}')}" for name, v in parameters.items()]
    options += [script_path(path, folder) for path in verilog.sources]
    try:
        return _run_slang(verilog, options, folder, top)
    except DesignError:
        # Assertions of a kind that no reader here takes are no hardware either.
        if not _FORMAL.search(text):
            raise
        try:
            return _run_slang(verilog, ["--ignore-assertions", *options], folder, top)
        except DesignError:
            pass
        raise


def _run_slang(verilog: VerilogSource, options: list[str], folder: Path, top: str) -> str:
    (folder / _FILES).write_text("\n".join([*options, ""]))
    script = [
        f"read_slang -f {_FILES} --top {verilog.top}",
        f"hierarchy -check -top {verilog.top}",
        "clean",
        "bwmuxmap",
        "setattr -unset hdlname",
        *_finish(top),
    ]
    log = folder / "read_slang.log"
    try:
        run_reader("read_slang", script, folder)
    except MachineError:
        raise
    except ToolError as error:
        raise DesignError(_slang_complaint(verilog, log) or str(error)) from error
    if floating := re.search(r"(\S+): Warning: high-impedance state \(Z\)", log.read_text()):
        if re.search(r"[=!]==", _line_at(verilog, floating[1])):
            raise DesignError(f"{floating[1].split('/')[-1]} {_COMPARES}")
        raise DesignError(f"{floating[1].split('/')[-1]} is a tristate; {ALWAYS_DRIVEN}")
    return (folder / _READ).read_text()


def _line_at(verilog: VerilogSource, place: str) -> str:
    """The line of a source that a place such as ``folder/top.v:12`` names; "" if there is none."""
    file, _, line = place.rpartition(":")
    for path in verilog.sources:
        if line.isdecimal() and path.name == Path(file).name:
            lines = path.read_text(errors="replace").splitlines()
            return lines[int(line) - 1] if int(line) <= len(lines) else ""
    return ""


def _finish(top: str) -> list[str]:
    return [
        f"rename -top {top}",
        "setattr -unset src",
        "setattr -mod -unset src",
        # Each `hierarchy` would join the drivers of such a net once more.
        "setattr -unset wand -unset wor",
        f"write_rtlil {_READ}",
    ]


def _linked_parents(verilog: VerilogSource, folder: Path) -> list[Path]:
    """Folders of sources that are read through a link, from where their includes are not found."""
    linked = [path for path in verilog.sources if script_path(path, folder).startswith('"link_')]
    return list(dict.fromkeys(path.parent for path in linked))


def _unquoted(path: Path, folder: Path) -> str:
    """A name of a folder that `read_verilog -I` can take: it keeps quotes as they are."""
    if re.fullmatch(r"[\w./+-]+", str(path), re.ASCII):
        return str(path)
    link = folder / f"include_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    if not link.is_symlink():
        link.symlink_to(path)
    return link.name


def _quoted(text: str) -> str:
    """A word of slang's command files."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _written(value: Any) -> str:
    """A parameter's value as SystemVerilog; ``package::NAME`` is that constant."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str) and not _CONSTANT.fullmatch(value):
        plain = (char if re.match(r"[\w .,:;+*/=-]", char, re.ASCII) else None for char in value)
        octal = ("".join(f"\\{byte:03o}" for byte in char.encode()) for char in value)
        return '"' + "".join(p or o for p, o in zip(plain, octal, strict=True)) + '"'
    return f"64'd{value}" if isinstance(value, int) and value >= 2**31 else str(value)


def _bits(value: Any) -> str:
    """A parameter's value as `hierarchy -chparam` understands it: no text, no 2**31 and more."""
    if isinstance(value, str) and value and not _CONSTANT.fullmatch(value):
        bits = "".join(f"{byte:08b}" for byte in value.encode())
        return f"{len(bits)}'b{bits}"
    if isinstance(value, int) and value >= 2**31:
        width = max(32, value.bit_length())
        return f"{width}'b{value:0{width}b}"
    return _written(value)


def _no_parameter(name: str, verilog: VerilogSource) -> str:
    return f"[parameters] {name} is not a parameter of module {verilog.top!r}; see its header"


def _no_top(verilog: VerilogSource) -> str:
    files = ", ".join(path.name for path in verilog.sources)
    return f"top = {verilog.top!r} is not a module in {files}"


def _complaint(verilog: VerilogSource, message: str) -> str:
    """What Yosys says of someone's Verilog, in the words of their description where it can be."""
    if unknown := re.search(r"Can't find object for defparam `(\w+)`", message):
        return _no_parameter(unknown.group(1), verilog)
    if f"Module `{verilog.top}' not found" in message:
        return _no_top(verilog)
    return message


def _brief(message: str) -> str:
    """Without the path of the log, which is the other one's neighbour."""
    message = re.sub(r"^read_verilog exited with \d+: |ERROR: ?|; full log: .*$", "", message)
    return re.sub(r"^\S+/([^/]+:\d+)", r"\1", message).rstrip(".!")


def _slang_complaint(verilog: VerilogSource, log: Path) -> str:
    """The first thing that slang calls an error, with its place; it ends on another."""
    lines = log.read_text(errors="replace").splitlines()
    errors = [line for line in lines if re.match(r"(\S.*: )?ERROR: ", line)]
    if not errors:
        return ""
    if f"'{verilog.top}' is not a valid top-level module" in errors[0]:
        return _no_top(verilog)
    text = re.sub(r"^(\S+/)?([^/]+:\d+): ERROR: |^ERROR: ", r"\2: ", errors[0]).removeprefix(": ")
    if "unsupported system task" in text:
        text += "; put what only a simulation does between `ifndef SYNTHESIS and `endif"
    return f"{text}; full log: {log}"
