"""Reference = RTL = synthesised netlist: benches that compare everything, then the replay's check.

The replay of a recorded run through the netlist raises unless the data pin of every flip-flop
agrees, in every cycle, with what the RTL's register holds in the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chipdse.design import Design, LibraryChoice, find_block
from chipdse.stages.analyse import analyse_cells
from chipdse.stages.build import build_hardware
from chipdse.store.store import Store

pytestmark = pytest.mark.tools
SMALL: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "fifo": ({"width": 4, "depth": 3, "organisation": "prefetch"}, {"length": 100}),
    "ascon": ({"function": "both"}, {"length": 100, "message_bytes": 40}),
    "keccak": ({"bus_bits": 32}, {"length": 100, "message_bytes": 60}),
    "d2d_link": (
        {"flit_bits": 16, "inversion": "ac", "group_wires": 4, "replay": True},
        {"length": 50, "error_rate": 0.02},
    ),
    "aes_sbox": ({"shares": 2}, {"length": 40}),
    "ntt": ({"inverse": True}, {"length": 1}),
    "noc_router": (
        {"ports": 3, "flit_bits": 8, "buffer_flits": 2, "flow": "credit"},
        {"length": 60, "destinations": "uniform"},
    ),
    "rv32": ({"registers": 16, "stages": 2, "shifter": "serial"}, {"length": 3}),
}


@pytest.mark.few_cases(3)  # those of which no other test maps a netlist
@pytest.mark.parametrize("name", list(SMALL))
def test_the_netlist_does_what_the_reference_says(name: str, tmp_path: Any) -> None:
    block = find_block(name)
    hardware, workload = SMALL[name]
    design = Design(
        block=block,
        parameters=block.parameters(**hardware),
        workload=block.workload(**workload),
        library=LibraryChoice(name="sky130"),
    )
    _, built = build_hardware(design, Store(root=tmp_path))
    timing, _, replayed = analyse_cells(design.library, built, [1.8], [25.0])
    assert np.isfinite(timing.min_period_s).all()
    assert replayed.checked_bits > 0
