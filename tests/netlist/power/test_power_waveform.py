"""Joint states of cells from a small trace, counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chipdse.netlist.activity.waveform.activity import read_vcd_activity
from tests.support.netlist_cases import netlist_of, tiny_library

# One unit is 1 ns; a rises at 10 and falls at 30, b rises at 20, q rises at 25; it ends at 40.
TRACE = """$timescale 1ns $end
$scope module tb $end $scope module dut $end
$var wire 1 ! clk $end $var wire 1 " a $end $var wire 1 # b $end $var wire 1 $ y $end
$var wire 1 % q $end
$upscope $end $upscope $end
$enddefinitions $end
#0
0!
0"
0#
1$
x%
#5
1!
0%
#10
0!
1"
#20
1#
1!
0$
#25
1%
#30
0!
0"
1$
#40
"""


def test_states_counted_by_hand(tmp_path: Path) -> None:
    library = tiny_library()
    netlist = netlist_of(
        "wire q; NAND2 g (.A(a), .B(b), .Y(y)); DFF r (.CK(clk), .D(b), .Q(q));"
        "wire n; NAND2 h (.A(1'b1), .B(q), .Y(n));",
        library,
    )
    path = tmp_path / "t.vcd"
    path.write_text(TRACE)
    activity = read_vcd_activity(path, "tb.dut", netlist, clock_period_s=20e-9, states=True)
    states = activity.states[library.index["NAND2"]]
    # g (A lowest): 00 for 10 ns, 01 for 10, 11 for 10, 10 for 10; n is not in the trace
    np.testing.assert_allclose(states[0], [0.25, 0.25, 0.25, 0.25])
    # h: A is 1; q is 1 from 25 to 40
    np.testing.assert_allclose(states[1], [0, 25 / 40, 0, 15 / 40])
    # r: CK, D, IQ. CK 1 in 5-10 and 20-30, D from 20, Q from 25
    wanted = np.zeros(8)
    wanted[0b000] = (5 + 10) / 40
    wanted[0b001] = 5 / 40
    wanted[0b011] = 5 / 40
    wanted[0b111] = 5 / 40
    wanted[0b110] = 10 / 40
    np.testing.assert_allclose(activity.states[library.index["DFF"]][0], wanted)
