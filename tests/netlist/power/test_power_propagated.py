"""Activity that no waveform gives: propagated by OpenSTA's definition, worked by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.propagate import fill_unannotated
from chipdse.netlist.timing.graph import build_timing_graph
from tests.support.netlist_cases import CELLS, arc, liberty_text, netlist_of, tiny_library


def propagated(netlist: Netlist, **known: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """Toggles per cycle and duty of every net; `known` has them for some."""
    numbers = [netlist.nets_by_name[name] for name in known]
    toggles, high = np.zeros(netlist.net_count), np.zeros(netlist.net_count)
    annotated = np.zeros(netlist.net_count, dtype=bool)
    for number, (rate, duty) in zip(numbers, known.values(), strict=True):
        toggles[number], high[number], annotated[number] = 100 * rate, duty, True
    activity = Activity(
        toggles=toggles,
        high_fraction=high,
        annotated=annotated,
        cycles=100.0,
        duration_s=1e-6,
        origin="propagated",
    )
    clock = "clk" if "clk" in netlist.port_of else None
    found = fill_unannotated(build_timing_graph(netlist, clock), activity)
    return {
        name: (float(found.toggles[net]) / 100, float(found.high_fraction[net]))
        for name, net in netlist.nets_by_name.items()
    }


def test_gates_and_registers_by_hand() -> None:
    found = propagated(
        netlist_of(
            "wire n, q; NAND2 g (.A(a), .B(b), .Y(n)); DFF r (.CK(clk), .D(n), .Q(q));"
            "XOR2 x (.A(q), .B(b), .Y(y));"
        ),
        a=(0.4, 0.25),
    )
    assert found["b"] == (0.1, 0.5)  # an input that nothing is known of
    # 0.4 * P(b) + 0.1 * P(a); 1 - 0.25 * 0.5. The register passes it on.
    assert found["n"] == pytest.approx((0.225, 0.875))
    assert found["q"] == pytest.approx((0.225, 0.875))
    assert found["y"] == pytest.approx((0.325, 0.5))


def test_a_register_that_is_asked_for_more_than_a_toggle_per_cycle() -> None:
    body = "wire n; XOR2 x (.A(a), .B(b), .Y(n)); DFF r (.CK(clk), .D(n), .Q(y));"
    found = propagated(netlist_of(body), a=(0.7, 0.1), b=(0.6, 0.1))
    # Duty 0.9 * 0.1 * 2; the data toggle 1.3 times, so it is 2 p (1 - p) of 2 clock edges.
    assert found["n"] == pytest.approx((1.3, 0.18))
    assert found["y"] == pytest.approx((2 * 0.18 * 0.82 * 2, 0.18))
    # Below one toggle the register passes on what its data do, whatever their duty.
    found = propagated(netlist_of(body), a=(0.5, 0.1), b=(0.4, 0.1))
    assert found["y"] == pytest.approx((0.9, 0.18))


def test_what_no_input_reaches_stands_still() -> None:
    found = propagated(
        netlist_of(
            "wire n, q, one; INV i (.A(q), .Y(n)); DFF r (.CK(clk), .D(n), .Q(q));"
            "TIEHI t (.Y(one)); NAND2 g (.A(one), .B(a), .Y(y));",
            ports="clk, a, y",
        )
    )
    assert found["q"][0] == found["n"][0] == 0.0
    assert found["one"] == (0.0, 1.0)
    assert found["y"] == pytest.approx((0.1, 0.5))


def test_a_loop_through_a_register_settles() -> None:
    # The register keeps its value where a is 0: q = (a & b) | (!a & q), of NAND gates.
    found = propagated(
        netlist_of(
            "wire na, s, h, d, q; INV i (.A(a), .Y(na)); NAND2 g (.A(a), .B(b), .Y(s));"
            "NAND2 k (.A(na), .B(q), .Y(h)); NAND2 o (.A(s), .B(h), .Y(d));"
            "DFF r (.CK(clk), .D(d), .Q(q)); BUF z (.A(q), .Y(y));"
        )
    )
    # d is high unless s and h both are: p = 1 - 3/4 (1 - p/2), so p = 0.4. Its rate is
    # D_s P(h) + D_h P(s), with D_s = 0.1, D_h = 0.1 p + D / 2 and so D = 0.08 + 3/4 (0.04 + D / 2).
    assert found["q"][1] == pytest.approx(0.4, rel=0.03)
    assert found["q"][0] == pytest.approx(0.11 / 0.625, rel=0.03)


def test_round_off_is_no_negative_rate() -> None:
    # The products of these duties, which sum to 1, sum to 1 + 2e-16 as floating-point numbers: the
    # inverter would be high for -2e-16 of the time, and what e does would pass on with that.
    inputs = " ".join(
        f'pin ({name}) {{ direction : "input"; capacitance : 0; }}' for name in "ABCD"
    )
    arcs = " ".join(arc(name, "positive_unate", 0.1, 0.1) for name in "ABCD")
    cell = f"""cell (OR4) {{ area : 2; {inputs}
      pin (Y) {{ direction : "output"; function : "A|B|C|D"; {arcs} }} }}"""
    netlist = netlist_of(
        "wire n, i; OR4 g (.A(a), .B(b), .C(c), .D(d), .Y(n)); INV v (.A(n), .Y(i));"
        "NAND2 h (.A(i), .B(e), .Y(y));",
        tiny_library(liberty_text(CELLS + cell)),
        ports="a, b, c, d, e, y",
    )
    duties = 1.0, 0.08944281773308971, 0.04602193987212633, 0.25064407726846893
    for order in itertools.permutations(duties):  # whatever order the products are summed in
        known = {name: (0.0, duty) for name, duty in zip("abcd", order, strict=True)}
        found = propagated(netlist, **known, e=(1.0, 0.5))
        assert found["n"] == pytest.approx((0.0, 1.0)) and found["y"][0] >= 0
