"""What each cell computes; the names follow the functional Verilog in the wheel.

The functions are checked twice: by the operating point of every input state when leakage is
measured, and against the official Liberty file by the tests.
"""

from __future__ import annotations

import re
from dataclasses import replace

from chipdse.characterise.cells import Cell, Sequential

PREFIX = "sky130_fd_sc_hd__"


def _gate(name: str) -> Cell | None:
    """nand, nor, and, or of 2 to 4 inputs, with `b` and `bb` for inverted inputs."""
    match = re.fullmatch(r"(nand|nor|and|or)([234])(b*)_\d+", name)
    if match is None:
        return None
    kind, count, inverted = match[1], int(match[2]), len(match[3])
    letters = "ABCD"[:count]
    # and/nand invert the first inputs, or/nor the last
    chosen = letters[:inverted] if "and" in kind else letters[count - inverted :]
    pins = tuple(letter + ("_N" if letter in chosen else "") for letter in letters)
    terms = ["!" + pin if pin.endswith("_N") else pin for pin in pins]
    body = ("&" if "and" in kind else "|").join(terms)
    out, text = ("Y", f"!({body})") if kind.startswith("n") else ("X", body)
    return Cell(name=name, inputs=pins, functions={out: text})


def _and_or(name: str) -> Cell | None:
    """a21oi, o221a, ...: groups of pins A1 A2, B1 B2, C1, D1."""
    match = re.fullmatch(r"([ao])([1-4]+)(b?)(o|a)(i?)_\d+", name)
    if match is None or match[1] == match[4]:
        return None
    inner, outer = ("&", "|") if match[1] == "a" else ("|", "&")
    pins: list[str] = []
    groups: list[str] = []
    for letter, size in zip("ABCD", match[2], strict=False):
        input_names = [f"{letter}{k}" for k in range(1, int(size) + 1)]
        groups.append(
            inner.join(input_names) if len(input_names) == 1 else f"({inner.join(input_names)})"
        )
        pins += input_names
    if match[3]:  # the last single input is inverted
        pins[-1] += "_N"
        groups[-1] = "!" + pins[-1]
    body = outer.join(groups)
    functions = {"Y": f"!({body})"} if match[5] else {"X": body}
    return Cell(name=name, inputs=tuple(pins), functions=functions)


def _other(name: str) -> Cell:
    base = name.rsplit("_", 1)[0]
    simple: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
        "inv": (("A",), {"Y": "!A"}),
        "clkinv": (("A",), {"Y": "!A"}),
        "buf": (("A",), {"X": "A"}),
        "clkbuf": (("A",), {"X": "A"}),
        "xor2": (("A", "B"), {"X": "A^B"}),
        "xnor2": (("A", "B"), {"Y": "!(A^B)"}),
        "xor3": (("A", "B", "C"), {"X": "A^B^C"}),
        "xnor3": (("A", "B", "C"), {"X": "!(A^B^C)"}),
        "mux2": (("A0", "A1", "S"), {"X": "(A0&!S)|(A1&S)"}),
        "mux2i": (("A0", "A1", "S"), {"Y": "!((A0&!S)|(A1&S))"}),
        "mux4": (
            ("A0", "A1", "A2", "A3", "S0", "S1"),
            {"X": "(!S1&((A0&!S0)|(A1&S0)))|(S1&((A2&!S0)|(A3&S0)))"},
        ),
        "maj3": (("A", "B", "C"), {"X": "(A&B)|(A&C)|(B&C)"}),
        "ha": (("A", "B"), {"COUT": "A&B", "SUM": "A^B"}),
        "fa": (("A", "B", "CIN"), {"COUT": "(A&B)|(A&CIN)|(B&CIN)", "SUM": "A^B^CIN"}),
        "a2bb2o": (("A1_N", "A2_N", "B1", "B2"), {"X": "(!A1_N&!A2_N)|(B1&B2)"}),
        "a2bb2oi": (("A1_N", "A2_N", "B1", "B2"), {"Y": "!((!A1_N&!A2_N)|(B1&B2))"}),
        "o2bb2a": (("A1_N", "A2_N", "B1", "B2"), {"X": "(!A1_N|!A2_N)&(B1|B2)"}),
        "o2bb2ai": (("A1_N", "A2_N", "B1", "B2"), {"Y": "!((!A1_N|!A2_N)&(B1|B2))"}),
        "conb": ((), {"HI": "1", "LO": "0"}),
    }
    if base in simple:
        inputs, functions = simple[base]
        return Cell(name=name, inputs=inputs, functions=functions)
    storing: dict[str, tuple[tuple[str, ...], dict[str, str], Sequential]] = {
        "dfxtp": (
            ("CLK", "D"),
            {"Q": "IQ"},
            Sequential(kind="flip_flop", clock="CLK", data="D", next_state="D"),
        ),
        "dfrtp": (
            ("CLK", "D", "RESET_B"),
            {"Q": "IQ"},
            Sequential(
                kind="flip_flop", clock="CLK", data="D", next_state="D", reset_low="RESET_B"
            ),
        ),
        "dfstp": (
            ("CLK", "D", "SET_B"),
            {"Q": "IQ"},
            Sequential(kind="flip_flop", clock="CLK", data="D", next_state="D", set_low="SET_B"),
        ),
        "edfxtp": (
            ("CLK", "D", "DE"),
            {"Q": "IQ"},
            Sequential(
                kind="flip_flop",
                clock="CLK",
                data="D",
                next_state="(D&DE)|(IQ&!DE)",
                enable="DE",
            ),
        ),
        "dlxtp": (
            ("D", "GATE"),
            {"Q": "IQ"},
            Sequential(kind="latch", clock="GATE", data="D", next_state="D"),
        ),
        "dlclkp": (
            ("CLK", "GATE"),
            {"GCLK": "IQ&CLK"},
            Sequential(kind="clock_gate", clock="CLK", data="GATE", next_state="GATE"),
        ),
    }
    inputs, functions, sequential = storing[base]
    return Cell(name=name, inputs=inputs, functions=functions, sequential=sequential)


def cell(name: str) -> Cell:
    """A cell by its short name, e.g. `nand2_1`."""
    return replace(_gate(name) or _and_or(name) or _other(name), prefix=PREFIX)
