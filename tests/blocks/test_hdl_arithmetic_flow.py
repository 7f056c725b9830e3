"""Arithmetic blocks with the real tools: benches under Icarus, and reference = RTL = netlist.

`build_hardware` runs a block's cocotb bench, which compares every output with the reference, and
synthesises it; the replay then holds the netlist's flip-flops and outputs against the recorded run,
bit for bit, and raises where they differ. That each structure survives synthesis shows in its area.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chipdse_hdl import BLOCKS

from chipdse.design import Design, LibraryChoice, find_block
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.netlist.activity.recording import read_register_map
from chipdse.stages.analyse import analyse_cells
from chipdse.stages.build import build_hardware
from chipdse.store.store import Store
from tests.support.hdl_runs import bench_catches, bench_passes

pytestmark = pytest.mark.tools
Case = tuple[str, dict[str, Any], dict[str, Any]]
SMALL: list[Case] = [
    ("adder", {"bits": 9, "structure": "kogge_stone", "pipeline_stages": 1}, {"duty": 0.5}),
    ("multiplier", {"bits": 5, "recoding": "booth", "gating": "zero"}, {"sparsity": 0.5}),
    ("dot_product", {"lanes": 2, "number_format": "fp8_e4m3", "gating": "zero"}, {"sparsity": 0.5}),
    ("fft", {"points": 8, "data_bits": 4, "twiddle_bits": 5, "delay_lines": "memory"}, {}),
    ("cordic", {"data_bits": 5, "architecture": "iterative", "gating": "idle"}, {"duty": 0.5}),
    ("fir", {"taps": 5, "data_bits": 5, "coefficient_bits": 4, "folding": 2}, {"duty": 0.5}),
    (
        "mac_array",
        {
            "rows": 1,
            "columns": 2,
            "operand_bits": 4,
            "accumulator_bits": 12,
            "gating": "isolate",
            "accumulation": "carry_save",
            "overlapped_drain": True,
        },
        {"sparsity": 0.5, "depth": 8},
    ),
]
LENGTH = 64


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for the tests of this file."""
    yield Store(root=tmp_path_factory.mktemp("stages"))


def design(case: Case, gate: int = 0) -> Design:
    name, hardware, workload = case
    block = find_block(name)
    return Design(
        block=block,
        parameters=block.parameters(**hardware),
        workload=block.workload(length=LENGTH, **workload),
        library=LibraryChoice(name="sky130"),
        synthesis=SynthesisOptions(clock_gating=gate),
    )


@pytest.mark.few_cases(4)
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case[0])
def test_netlist_is_rtl_is_reference(case: Case, store: Store) -> None:
    # Enables as clock gates, where the block has any to speak of.
    one = design(case, gate=4 if "gating" in case[1] else 0)
    _, built = build_hardware(one, store)
    _, _, replayed = analyse_cells(one.library, built, [1.8], [25.0])
    flip_flops = read_register_map(built.mapped.register_map)
    assert replayed.checked_bits > len(flip_flops) > 0  # and the outputs


@pytest.mark.few_cases(3)
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case[0])
def test_nothing_depends_on_how_registers_start(case: Case, tmp_path: Path) -> None:
    one = design(case)
    result = bench_passes(one.block, one.parameters, one.workload, tmp_path)
    assert result["cycles"] == one.block.cycles(one.parameters, one.workload)


FAULTS = {
    "adder": (r"assign g_3_level_1 = .*;", "assign g_3_level_1 = g_3;"),
    "multiplier": (r"assign sum_4_1 = .*;", "assign sum_4_1 = 1'b0;"),
    "dot_product": (r"assign negative_1 = .*;", "assign negative_1 = 1'b0;"),
    "fft": (r"assign line_in_re_1 = .*;", "assign line_in_re_1 = difference_re_1;"),
    "cordic": (r"rst \? 1'h0 : valid_0", "valid_0"),
    "fir": (r"assign accept = .*;", "assign accept = x_valid;"),
}


@pytest.mark.few_cases(3)
@pytest.mark.parametrize(
    "case", [case for case in SMALL if case[0] in FAULTS], ids=lambda case: case[0]
)
def test_benches_catch_faults_in_verilog(case: Case, tmp_path: Path) -> None:
    one = design(case)
    bench_catches(one.block, one.parameters, one.workload, FAULTS[case[0]], tmp_path)


def test_adder_structures_survive_synthesis(store: Store) -> None:
    """Gates that are written down stay: the cells of 16 bits stand in the order of the merges."""
    area = {}
    for structure in ("ripple", "brent_kung", "sklansky", "kogge_stone"):
        one = design(("adder", {"structure": structure}, {}))
        _, built = build_hardware(one, store)
        timing, _, _ = analyse_cells(one.library, built, [1.8], [25.0])
        area[structure] = built.mapped.area_m2, float(timing.min_period_s.max())
    # Merges: 15, 26, 32, 49; levels: 15, 6, 4, 4.
    areas = [area[name][0] for name in ("ripple", "brent_kung", "sklansky", "kogge_stone")]
    periods = [area[name][1] for name in ("ripple", "brent_kung", "sklansky", "kogge_stone")]
    assert areas == sorted(areas)
    assert periods == sorted(periods, reverse=True)


def test_every_block_here_is_registered() -> None:
    assert {name for name, _, _ in SMALL} <= set(BLOCKS)
