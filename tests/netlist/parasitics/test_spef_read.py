"""SPEF files: values in SI, all forms of names and numbers, one-line errors, no crashes."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.parasitics.annotate import Annotated, annotate
from chipdse.netlist.parasitics.spef import Spef, read_spef
from chipdse.netlist.verilog.reader import read_verilog
from tests.support.fuzzing.examples import examples
from tests.support.netlist_cases import tiny_library

LIBRARY = tiny_library()
NETLIST = r"""module top (clk, a, y); input clk, a; output [1:0] y; wire \u.n , m;
  INV \u/1 (.A(a), .Y(\u.n )); BUF g (.A(\u.n ), .Y(m)); INV h (.A(\u.n ), .Y(y[0]));
  DFF r (.CK(clk), .D(m), .Q(y[1])); endmodule"""
# Two loads on one net: 100 ohm to a node, then 200 ohm to g and 300 ohm to h.
SPEF = r"""*SPEF "IEEE 1481-1998"
*DESIGN "top"
*VENDOR "a // comment of no kind"
*DESIGN_FLOW "PIN_CAP NONE" "NAME_SCOPE LOCAL"
*DIVIDER /
*DELIMITER :
*BUS_DELIMITER []
*T_UNIT 1 PS
*C_UNIT 1.0 FF
*R_UNIT 1 OHM
*L_UNIT 1 HENRY
// the names
*NAME_MAP
*1 u/n
*2 u\/1
*3 m
*4 y[0]
*PORTS
clk I
a I
*4 O
y[1] O
*D_NET *1 16.0
*CONN
*I *2:Y O *C 1.0 2.0 *L 0 *D INV
*I g:A I *L 3 *S 0.1 0.2 0.8 *D BUF
*I h:A I
*N *1:1 *C 3 4
*CAP
1 *2:Y 1
2 *1:1 2.0
3 g:A 3
4 h:A 4
5 *1:1 *3:1 6.0
*RES
1 *2:Y *1:1 100
2 *1:1 g:A 200
3 h:A *1:1 0.3e3
*END
*D_NET *3 6.0
*CONN
*I g:Y O
*I r:D I
*CAP
1 *3:1 *1:1 6.0
*RES
1 g:Y *3:1 50
2 *3:1 r:D 0
*END
*D_NET a 1:2:3
*CONN
*P a I
*I *2:A I
*CAP
1 a 1:2:3
*RES
1 a *2:A 10
*END
*D_NET *4 2
*CONN
*I h:Y O
*P *4 O
*CAP
1 y[0] 2
*RES
1 h:Y *4 10
*END
*D_NET clk 0.0
*CONN
*P clk I
*I r:CK I
*END
*D_NET y[1] 5.0
*CONN
*P y[1] O
*I r:Q O
*END
"""


def netlist() -> Netlist:
    return read_verilog(Path("top.v"), LIBRARY, text=NETLIST)


def spef_of(folder: Path, text: str = SPEF) -> Spef:
    path = folder / "top.spef"
    path.write_text(text)
    return read_spef(path)


def annotated(folder: Path, text: str = SPEF) -> Annotated:
    return annotate(spef_of(folder, text), netlist(), LIBRARY.at(None, None))


def delay_s(found: Annotated, pin: str) -> float:
    names = [netlist().pin_name(number) for number in range(len(netlist().pin_net))]
    return float(found.wires.pin_delay_s[names.index(pin)])


def test_values_and_sums(tmp_path: Path) -> None:
    spef = spef_of(tmp_path)
    assert spef.net_names == ["u/n", "m", "a", "y[0]", "clk", "y[1]"]
    assert spef.design == "top"
    # Coupling counts once in each net; of 1:2:3 the first; a net without capacitors has its total.
    assert spef.net_capacitance_f == pytest.approx(np.array([16, 6, 1, 2, 0, 5]) * 1e-15)
    assert spef.net_capacitance_f == pytest.approx(spef.net_total_f)


def test_delays_by_hand(tmp_path: Path) -> None:
    found = annotated(tmp_path)
    net = netlist().nets_by_name["u.n"]
    assert found.wires.net_capacitance_f[net] == pytest.approx(16e-15)
    # Behind the first 100 ohm: the node's 2 + 6, g's 3 + 3 (its pin) and h's 4 + 2: 20 fF.
    assert delay_s(found, "g/A") == pytest.approx(100 * 20e-15 + 200 * 6e-15)
    assert delay_s(found, "h/A") == pytest.approx(100 * 20e-15 + 300 * 6e-15)
    # 50 ohm to a node of 6 fF, shorted to a pin of 2 fF.
    assert delay_s(found, "r/D") == pytest.approx(50 * 8e-15)
    # An input port drives its net.
    assert delay_s(found, "u/1/A") == pytest.approx(10 * 2e-15)
    assert found.total_f == pytest.approx(30e-15)
    # The clock's pin is on a net without resistors.
    assert found.notes == (
        "1 load pins have no resistors to their driver in top.spef; no wire delays them "
        "(first: r/CK)",
    )


def test_a_packed_file_with_other_brackets_and_line_ends(tmp_path: Path) -> None:
    plain = annotated(tmp_path)
    text = SPEF.replace("*BUS_DELIMITER []", "*BUS_DELIMITER <>").replace("y[", "y<")
    text = text.replace("0]", "0>").replace("1]", "1>").replace("\n", "\r\n")
    path = tmp_path / "other.spef.gz"
    path.write_bytes(gzip.compress(text.encode()))
    other = annotate(read_spef(path), netlist(), LIBRARY.at(None, None))
    assert (other.wires.net_capacitance_f == plain.wires.net_capacitance_f).all()
    assert (other.wires.pin_delay_s == plain.wires.pin_delay_s).all()


def test_escaped_brackets_are_the_same_names(tmp_path: Path) -> None:
    plain, other = annotated(tmp_path), annotated(tmp_path, SPEF.replace("y[0]", r"y\[0\]"))
    assert (other.wires.net_capacitance_f == plain.wires.net_capacitance_f).all()


def test_a_reduced_net_has_the_delays_that_it_states(tmp_path: Path) -> None:
    begin, end = SPEF.index("*D_NET *1"), SPEF.index("*D_NET *3")
    reduced = """*R_NET *1 16
*DRIVER *2:Y
*CELL INV
*C2_R1_C1 6 100 10
*LOADS
*RC g:A 4.5
*RC h:A 7
*END
"""
    found = annotated(tmp_path, SPEF[:begin] + reduced + SPEF[end:])
    assert found.wires.net_capacitance_f[netlist().nets_by_name["u.n"]] == pytest.approx(16e-15)
    assert delay_s(found, "g/A") == pytest.approx(4.5e-12)
    assert delay_s(found, "h/A") == pytest.approx(7e-12)


def test_nets_of_one_side_only_are_counted_and_named(tmp_path: Path) -> None:
    text = SPEF.replace("*D_NET y[1] 5.0", "*D_NET z 5.0").replace("*3 m\n", "*3 q\n")
    notes = annotated(tmp_path, text).notes
    assert notes[0] == ("2 nets of top.spef are not in the netlist and are left out (first: q)")
    assert notes[1] == "2 nets of the netlist are not in top.spef and have no wire (first: y[1])"
    with pytest.raises(DesignError, match=r"has 1 of the 6 nets of 'top', not 'clk'; it bel"):
        annotated(tmp_path, SPEF[: SPEF.index("*D_NET *3")])


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("*SPEF", "*DSPF", "top.spef:1: expected '*SPEF'"),
        ("*C_UNIT 1.0 FF\n", "", "the file states no *C_UNIT before its first net"),
        ("*C_UNIT 1.0 FF", "*C_UNIT 1.0 YARD", "top.spef:9: *C_UNIT '1.0 YARD'; expected a numb"),
        ("*C_UNIT 1.0 FF", "*C_UNIT 0 FF", "*C_UNIT '0 FF'"),
        ("*R_UNIT 1 OHM", "*R_UNIT 1e999 OHM", "*R_UNIT '1e999 OHM'"),
        ("*R_UNIT 1 OHM", "*R_UNIT 1 OHM\n*R_UNIT 1 KOHM", "*R_UNIT '1 KOHM' is a second one"),
        ("*1 u/n\n", "*1 u/n\n*1 other\n", "the name map has '*1' twice, for different names"),
        ("*D_NET *3 6.0", f"*D_NET *3 {'1' * 60_000}x", "net 'm': expected a number, found '11"),
        ("*DELIMITER :", "*DELIMITER ::", "*DELIMITER '::' must be one character"),
        ("PIN_CAP NONE", "PIN_CAP INPUT_OUTPUT", 'extract with "PIN_CAP NONE"'),
        ("*1 u/n\n", "*1\n", "the name map has a number without a name"),
        ("*1 u/n\n", "1 u/n\n", "the name map has '1' where '*NUMBER' belongs"),
        ("*1 u/n\n", f"*1 {'n' * 5000}\n", "a name of 5,000 characters"),
        ("*PORTS", "*DEFINE u other", "top.spef:18: *DEFINE: the file refers to SPEF files of p"),
        ("*D_NET *3 6.0", "*D_PNET *3 6.0", "nets are given by physical names"),
        ("*D_NET *3 6.0", "*D_NET *3 much", "top.spef:40: net 'm': expected a number, found 'mu"),
        ("*D_NET *3 6.0", "*D_NET a 6.0", "net 'a' is given twice"),
        ("*I h:A I\n", "*I h I\n", "net 'u/n': expected INSTANCE:PIN, found 'h'"),
        ("*I h:A I\n", "*J h:A I\n", "*CONN of net 'u/n' has '*J' where *P, *I or *N belongs"),
        ("4 h:A 4\n", "4 h:A\n", "*CAP of net 'u/n' has '*1:1' where the number of a capacitor"),
        ("5 *1:1 *3:1 6.0\n", "5 *1:1 *3:1\n", "*CAP of net 'u/n' ends within a capacitor"),
        ("4 h:A 4\n", "4 h:A -4\n", "a value of -4 is -4e-15 F; expected 0 to 0.001 F"),
        ("4 h:A 4\n", "4 h:A nan\n", "*CAP of net 'u/n' has '*1:1' where the number"),
        ("*1:1 *3:1 6.0\n", "*1:1 *3:1 nan\n", "a value of nan is nan F"),
        ("2 *1:1 g:A 200\n", "2 *1:1 g:A\n", "*RES of net 'u/n': expected NUMBER NODE NODE VALUE"),
        ("2 *1:1 g:A 200\n", "2 *1:1 g:A 1e99\n", "expected 0 to 1e+09 ohm"),
        ("*END\n*D_NET clk", "*D_NET clk", "net 'y[0]' has no *END"),
        (SPEF[SPEF.index("*D_NET *1") :], "", "the file has no net (*D_NET)"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    assert old in SPEF
    with pytest.raises(DesignError) as caught:
        spef_of(tmp_path, SPEF.replace(old, new, 1))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_comments_keep_the_line_numbers(tmp_path: Path) -> None:
    text = SPEF.replace("// the names", "/* two\nlines */").replace(
        "*1:1 g:A 200\n", "*1:1 g:A two\n"
    )
    with pytest.raises(DesignError, match=r"top.spef:24: net 'u/n': expected a number"):
        spef_of(tmp_path, text)


@pytest.mark.slow
@examples(300)
@given(st.integers(0, len(SPEF) - 1), st.text('*:"\\/ 01eCPI.\n-', max_size=5), st.integers(0, 40))
def test_fuzzing_gives_errors_not_crashes(at: int, instead: str, drop: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name, contextlib.suppress(DesignError):
        found = annotated(Path(name), SPEF[:at] + instead + SPEF[at + drop :])
        assert (found.wires.net_capacitance_f >= 0).all()
        assert (found.wires.pin_delay_s >= 0).all()


@pytest.mark.slow
def test_many_names_and_a_long_chain_take_little_time(tmp_path: Path) -> None:
    count = 50_000
    chain = "".join(f"{k} m:{k} m:{k + 1} 1\n" for k in range(count))
    content = f"*RES\n1 g:Y m:0 1\n{chain}2 m:{count} r:D 1\n"
    head, tail = SPEF.split("*RES\n1 g:Y *3:1 50\n2 *3:1 r:D 0\n")
    found = annotated(tmp_path, head + content + tail)
    # Coupling is at the node next to nothing, the pin's 2 fF are at the end of the chain.
    assert delay_s(found, "r/D") == pytest.approx((count + 2) * 2e-15)
