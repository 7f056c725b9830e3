"""Nets of expressions in a Verilog netlist: names, selections, constants, concatenations."""

from __future__ import annotations

import re
from typing import NoReturn

from chipdse.netlist.netlist import UNCONNECTED
from chipdse.netlist.verilog_syntax import MAX_BITS, Module, VerilogFile, unescape

_PART = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][\w$]*|\\\S+)\s*(?:\[\s*(?P<left>\d{1,9})\s*(?::\s*(?P<right>\d{1,9})\s*)?\])?"
    r"|(?P<width>\d{0,6})\s*'[sS]?(?P<base>[bodhBODH])\s*(?P<digits>[0-9a-fA-FxXzZ?_]+)"
    r"|(?P<repeat>\d{1,6})\s*(?=\{)|(?P<number>\d+)|(?P<mark>[{},]))\s*"
)
_DIGIT_BITS = {"b": 1, "o": 3, "h": 4}
_MAX_DEPTH = 64


def bit_indices(span: tuple[int, int]) -> tuple[int, ...]:
    """Bit numbers of a declared range, least significant (written last) first."""
    left, right = span
    step = 1 if left >= right else -1
    return tuple(range(right, left + step, step))


class Scope:
    """One module while its names become nets: `bits` per declared name, LSB first."""

    def __init__(self, module: Module, prefix: str, bound: dict[str, tuple[int, ...]]) -> None:
        self.module = module
        self.prefix = prefix
        self.bits: dict[str, tuple[int, ...]] = dict(bound)
        self.seen: dict[str, tuple[int, ...]] = {}  # expression text -> nets, LSB first
        self.scalar: dict[str, int] = {}  # the same, for expressions of one bit


class NetReader:
    """Turns expressions into net numbers; `net_names` grows with implicit nets."""

    def __init__(self, file: VerilogFile) -> None:
        self.file = file
        self.net_names: list[str] = ["1'b0", "1'b1"]

    def fail(self, message: str, offset: int) -> NoReturn:
        """Raise with file and line."""
        self.file.fail(message, offset)

    def nets(self, scope: Scope, text: str, offset: int) -> tuple[int, ...]:
        """Nets of an expression, least significant bit first."""
        nets = scope.seen.get(text)
        if nets is None:
            nets, end = self._concatenation(scope, text, 0, offset, 0)
            if end != len(text):
                self.fail(f"{text.strip()!r} is not a net, a constant or a concatenation", offset)
            scope.seen[text] = nets
        return nets

    def _concatenation(
        self, scope: Scope, text: str, position: int, offset: int, depth: int
    ) -> tuple[tuple[int, ...], int]:
        found = _PART.match(text, position)
        if found is None or depth > _MAX_DEPTH:
            self.fail(f"{text.strip()!r} is not a net, a constant or a concatenation", offset)
        position = found.end()
        if found["name"] is not None:
            return self._select(scope, found, offset), position
        if found["base"] is not None:
            return self._constant(found, offset), position
        times = 1
        if found["repeat"] is not None:
            times = int(found["repeat"])
            found = _PART.match(text, position)
            position = found.end() if found else position
        if found is None or found["mark"] != "{":
            self.fail(f"expected a net, a sized constant or '{{' in {text.strip()!r}", offset)
        parts: list[tuple[int, ...]] = []
        while True:
            part, position = self._concatenation(scope, text, position, offset, depth + 1)
            parts.append(part)
            found = _PART.match(text, position)
            if found is None or found["mark"] not in (",", "}"):
                self.fail(f"expected ',' or '}}' in {text.strip()!r}", offset)
            position = found.end()
            if found["mark"] == "}":
                break
        nets = tuple(net for part in reversed(parts) for net in part)
        if len(nets) * times > MAX_BITS:
            self.fail(f"a concatenation of {len(nets) * times} bits is not plausible", offset)
        return nets * times, position

    def _select(self, scope: Scope, found: re.Match[str], offset: int) -> tuple[int, ...]:
        name = unescape(found["name"])
        bits = scope.bits.get(name)
        if bits is None:
            if found["left"] is not None:
                self.fail(f"{name!r} is selected from but not declared", offset)
            bits = (len(self.net_names),)  # an implicit net, as Verilog has it
            self.net_names.append(scope.prefix + name)
            scope.bits[name] = bits
        if found["left"] is None:
            return bits
        span = scope.module.ranges.get(name)
        if span is None:
            self.fail(f"{name!r} is one bit wide; it cannot be selected from", offset)
        left, right = int(found["left"]), int(found["right"] or found["left"])
        low, high = min(span), max(span)
        if not (low <= left <= high and low <= right <= high):
            self.fail(
                f"{name}[{left}:{right}] lies outside the declared [{span[0]}:{span[1]}]", offset
            )
        first, last = abs(right - span[1]), abs(left - span[1])
        if first > last:
            self.fail(f"{name}[{left}:{right}] runs against the declared direction", offset)
        return bits[first : last + 1]

    def _constant(self, found: re.Match[str], offset: int) -> tuple[int, ...]:
        base, digits = found["base"].lower(), found["digits"].replace("_", "").lower()
        digits = digits.replace("?", "z")
        width = int(found["width"] or 32)
        bits: list[int] = []
        try:
            if base == "d":
                value = int(digits)
                bits = [value >> i & 1 for i in range(min(width, value.bit_length()))]
            else:
                size = _DIGIT_BITS[base]
                for digit in reversed(digits):
                    if digit in "xz":
                        bits += [UNCONNECTED] * size
                    else:
                        bits += [int(digit, 2**size) >> i & 1 for i in range(size)]
        except ValueError:
            self.fail(f"{found[0].strip()!r} is not a constant", offset)
        fill = UNCONNECTED if bits and bits[-1] == UNCONNECTED else 0
        bits += [fill] * (width - len(bits))
        return tuple(bits[:width])
