"""Nets of expressions in a Verilog netlist: names, selections, constants, concatenations."""

from __future__ import annotations

import re
from typing import NoReturn

from chipdse.netlist.netlist import UNCONNECTED
from chipdse.netlist.verilog.syntax import MAX_BITS, Module, VerilogFile
from chipdse.netlist.verilog.tokens import unescape

_PART = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][\w$]*|\\\S+)"
    r"\s*(?:\[\s*(?P<left>-?\d{1,9})\s*(?::\s*(?P<right>-?\d{1,9})\s*)?\])?"
    r"|(?P<width>\d{0,6})\s*'[sS]?(?P<base>[bodhBODH])\s*(?P<digits>[0-9a-fA-FxXzZ?_]+)"
    r"|(?P<repeat>\d{1,6})\s*(?=\{)|(?P<number>\d+)|(?P<mark>[{},]))\s*"
)
# Constants without a size take the width of what they are connected to.
_UNSIZED = re.compile(
    r"\s*(?:'(?P<fill>[01xXzZ])|(?P<number>\d{1,9})"
    r"|'[sS]?(?P<base>[bodhBODH])\s*(?P<digits>[0-9a-fA-FxXzZ?_]{1,999}))\s*\Z"
)
_DIGIT_BITS = {"b": 1, "o": 3, "h": 4}
_MAX_DEPTH = 64
UNDEFINED = -2  # a bit that is x, while a file is read; z is `UNCONNECTED`


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

    def nets(
        self, scope: Scope, text: str, offset: int, width: int | None = None
    ) -> tuple[int, ...]:
        """Nets of an expression, least significant bit first.

        Parameters
        ----------
        width : number of bits that a constant without a size gets here
        """
        nets = scope.seen.get(text)
        if nets is None:
            unsized = None if width is None else _UNSIZED.match(text)
            if unsized is not None and width is not None:
                return self._unsized(unsized, offset, width)
            nets, end = self._concatenation(scope, text, 0, offset, 0)
            if end != len(text):
                self.fail(f"{text.strip()!r} is not a net, a constant or a concatenation", offset)
            scope.seen[text] = nets
        return nets

    def _concatenation(
        self, scope: Scope, text: str, position: int, offset: int, depth: int
    ) -> tuple[tuple[int, ...], int]:
        match = _PART.match(text, position)
        if match is None or depth > _MAX_DEPTH:
            self.fail(f"{text.strip()!r} is not a net, a constant or a concatenation", offset)
        position = match.end()
        if match["name"] is not None:
            return self._select(scope, match, offset), position
        if match["base"] is not None:
            return self._constant(match, offset), position
        times = 1
        if match["repeat"] is not None:
            times = int(match["repeat"])
            match = _PART.match(text, position)
            position = match.end() if match else position
        if match is None or match["mark"] != "{":
            self.fail(f"expected a net, a sized constant or '{{' in {text.strip()!r}", offset)
        parts: list[tuple[int, ...]] = []
        total = 0
        while True:
            part, position = self._concatenation(scope, text, position, offset, depth + 1)
            parts.append(part)
            total += len(part)
            if total * max(times, 1) > MAX_BITS:
                self.fail(f"a concatenation of {total * times} bits is not plausible", offset)
            match = _PART.match(text, position)
            if match is None or match["mark"] not in (",", "}"):
                self.fail(f"expected ',' or '}}' in {text.strip()!r}", offset)
            position = match.end()
            if match["mark"] == "}":
                break
        nets = tuple(net for part in reversed(parts) for net in part)
        return nets * times, position

    def _select(self, scope: Scope, match: re.Match[str], offset: int) -> tuple[int, ...]:
        name = unescape(match["name"])
        bits = scope.bits.get(name)
        if bits is None:
            if match["left"] is not None:
                self.fail(f"{name!r} is selected from but not declared", offset)
            bits = (len(self.net_names),)  # an implicit net, as Verilog has it
            self.net_names.append(scope.prefix + name)
            scope.bits[name] = bits
        if match["left"] is None:
            return bits
        span = scope.module.ranges.get(name)
        if span is None:
            self.fail(f"{name!r} is one bit wide; it cannot be selected from", offset)
        left, right = int(match["left"]), int(match["right"] or match["left"])
        low, high = min(span), max(span)
        if not (low <= left <= high and low <= right <= high):
            self.fail(
                f"{name}[{left}:{right}] lies outside the declared [{span[0]}:{span[1]}]", offset
            )
        first, last = abs(right - span[1]), abs(left - span[1])
        if first > last:
            self.fail(f"{name}[{left}:{right}] runs against the declared direction", offset)
        return bits[first : last + 1]

    def _unsized(self, match: re.Match[str], offset: int, width: int) -> tuple[int, ...]:
        """A constant without a size, filled up or cut to `width` bits."""
        if match["fill"] is not None:
            letter = match["fill"].lower()
            bit = {"x": UNDEFINED, "z": UNCONNECTED}.get(letter)
            return (int(letter) if bit is None else bit,) * width
        base = "d" if match["number"] is not None else match["base"].lower()
        digits = match["number"] or match["digits"].replace("_", "").lower()
        bits = self._digits(base, digits, match[0], offset)
        if any(bits[width:]):
            self.fail(f"constant {match[0].strip()!r} does not fit into {width} bits", offset)
        fill = bits[-1] if bits and bits[-1] < 0 else 0
        return tuple(bits[:width] + [fill] * (width - len(bits)))

    def _digits(self, base: str, digits: str, text: str, offset: int) -> list[int]:
        """Bits of a number's digits, least significant first, without leading zeros in decimal."""
        special = {"x": UNDEFINED, "z": UNCONNECTED, "?": UNCONNECTED}
        try:
            if base == "d":
                if digits in special:
                    return [special[digits]]
                value = int(digits)
                return [value >> i & 1 for i in range(value.bit_length())]
            size, bits = _DIGIT_BITS[base], []
            for digit in reversed(digits):
                if digit in special:
                    bits += [special[digit]] * size
                else:
                    bits += [int(digit, 2**size) >> i & 1 for i in range(size)]
        except ValueError:
            self.fail(f"{text.strip()!r} is not a constant", offset)
        return bits

    def _constant(self, match: re.Match[str], offset: int) -> tuple[int, ...]:
        base, digits = match["base"].lower(), match["digits"].replace("_", "").lower()
        width = int(match["width"] or 32)
        if max(width, len(digits)) > MAX_BITS:
            self.fail(f"a constant of {max(width, len(digits))} bits is not plausible", offset)
        bits = self._digits(base, digits, match[0], offset)
        fill = bits[-1] if bits and bits[-1] < 0 else 0
        bits += [fill] * (width - len(bits))
        return tuple(bits[:width])
