"""Traffic, latency and energy of layers on chips: values by hand, and laws that always hold."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from chipdse_hdl.mac_array import BLOCK, MacArrayParameters
from hypothesis import given
from hypothesis import strategies as st

from chipdse.application.chips import BOUNDS, LEVELS, LayerResults, run_layers, run_task
from chipdse.application.layers import Convolution, Layer, LayerColumns
from chipdse.application.memories import Dram, dram, dram_kinds, sram_buffer
from chipdse.application.parts import Chip, Part, chip_columns, contract_of
from chipdse.application.tables import read_network
from chipdse.application.traffic import ORDERS
from chipdse.errors import DesignError
from chipdse.technology.sram import macro_figures

GEMM = Layer(name="g", kind="gemm", m=64, n=32, k=100)


def part(rows: int = 8, columns: int = 8, copies: int = 1, **more: float) -> Part:
    contract = contract_of(BLOCK, MacArrayParameters(rows=rows, columns=columns))
    figures = {"clock_hz": 1e8, "mac_j": 1e-12, "leakage_w": 1e-6, "area_m2": 1e-8} | more
    return Part(block="mac_array", contract=contract, copies=copies, **figures)


def chip(part_: Part | None = None, *, bits_per_s: float = 1e10) -> Chip:
    outer = Dram(kind="x", energy_j_per_bit=5e-12, bandwidth_bits_per_s=bits_per_s, idle_w=0.0)
    return Chip(part=part_ or part(), outer=outer)


def with_buffer(layer: Layer, buffer_bits: float, one: Chip | None = None) -> LayerResults:
    """A layer on a chip whose buffer has any number of bits and costs nothing."""
    columns = chip_columns([one or chip()])
    columns.buffer_bits[:] = buffer_bits
    return run_layers(columns, LayerColumns.of([layer]))


def test_everything_passes_once_without_a_limit() -> None:
    traffic = with_buffer(GEMM, math.inf).traffic
    assert traffic.outer_reads.item() == (64 * 100 + 100 * 32) * 8
    assert traffic.outer_writes.item() == 64 * 32 * 8


def test_traffic_by_hand() -> None:
    # Results of two tiles: 2 * 64 words. All weights (3200 words) and two tiles of rows
    # (2 * 8 * 100 = 1600 words) fit exactly: each operand passes once.
    traffic = with_buffer(GEMM, (128 + 3200 + 1600) * 8).traffic
    assert traffic.outer_reads.item() == (6400 + 3200) * 8
    # A word less: weights stay in blocks of (4927 - 128 - 1600) / 2 / 100 = 15 columns, inputs pass
    # three times: 19200 + 3200 words. Or inputs stay, weights pass in tiles of 2 * 800 words:
    # blocks of 15 rows, five of them, so weights pass 5 times: 6400 + 16000. Or sums stay: inputs
    # pass 4 times, weights 8 times.
    traffic = with_buffer(GEMM, (128 + 3200 + 1600) * 8 - 8).traffic
    assert traffic.outer_reads.item() == min(19200 + 3200, 6400 + 16000, 25600 + 25600) * 8
    # Room for one step of operands, double-buffered, and no more: sums stay.
    traffic = with_buffer(GEMM, (128 + 2 * 16) * 8).traffic
    assert ORDERS[traffic.order.item()] == "outputs"
    assert traffic.outer_reads.item() == (25600 + 25600) * 8
    assert not with_buffer(GEMM, (128 + 2 * 16) * 8 - 1).traffic.fits.item()


def test_a_convolution_reads_its_map_and_shared_rows_again() -> None:
    layer = Convolution(name="c", input=(16, 16), kernel=(3, 3), channels=4, filters=8).layer()
    whole = with_buffer(layer, math.inf).traffic
    assert whole.outer_reads.item() == (16 * 16 * 4 + 9 * 4 * 8) * 8
    # 14 rows of outputs in blocks of 2: 4 rows of the map (256 words), twice. Weights do not
    # change (288 words). Seven blocks share 2 rows with the next: 6 * 2 * 64 words more, and the
    # weights pass seven times.
    traffic = with_buffer(layer, (128 + 288 + 512) * 8).traffic
    inputs_stay = 16 * 16 * 4 + 6 * 2 * 64 + 7 * 288
    # Weights stay whole (288), inputs pass once in two tiles of rows: a tile of 8 positions lies in
    # up to 2 rows of outputs, so 2 * 256 words: the same room, and less traffic.
    assert traffic.outer_reads.item() == min(inputs_stay, 16 * 16 * 4 + 288) * 8


def test_energy_and_latency_by_hand() -> None:
    results = with_buffer(GEMM, math.inf, chip(bits_per_s=1e9))
    # 8 x 4 tiles of 100 + 14 cycles at 100 MHz; 11648 words of 8 bits at 1 Gb/s take longer.
    assert results.times_s["compute"].item() == pytest.approx(32 * 114 / 1e8, rel=0.01)
    assert results.latency_s.item() == pytest.approx((6400 + 3200 + 2048) * 8 / 1e9)
    assert BOUNDS[results.bound.item()] == "dram"
    energies = {level: np.ravel(j).item() for level, j in results.energies_j.items()}
    assert energies["tile"] == pytest.approx(64 * 32 * 100 * 1e-12)
    assert energies["dram"] == pytest.approx(93184 * 5e-12)
    assert energies["leakage"] == pytest.approx(1e-6 * 93184 / 1e9)
    assert (energies["sram"], energies["link"]) == (0, 0)
    fast = with_buffer(GEMM, math.inf, chip(bits_per_s=1e12))
    assert BOUNDS[fast.bound.item()] == "compute"


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    size = st.integers(1, 60)
    if draw(st.booleans()):
        return Layer(
            name="g", kind="gemm", m=draw(size), n=draw(size), k=draw(size), count=draw(size)
        )
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    return Convolution(
        name="c",
        input=(draw(st.integers(4, 30)), draw(st.integers(4, 30))),
        kernel=(kernel, draw(st.integers(1, 4))),
        stride=(stride, draw(st.integers(1, 5))),
        dilation=(draw(st.integers(1, 2)) if kernel < 3 else 1, 1),
        padding=(draw(st.integers(0, 2)),) * 4,
        channels=groups * draw(st.integers(1, 9)),
        filters=groups * draw(st.integers(1, 20)),
        groups=groups,
    ).layer()


@pytest.mark.slow
@given(
    layers(),
    st.integers(1, 17),
    st.integers(1, 17),
    st.integers(1, 5),
    st.lists(st.floats(100, 1e6), min_size=2, max_size=8),
)
def test_more_sram_never_means_more_dram_traffic(
    layer: Layer, rows: int, columns: int, copies: int, bits: list[float]
) -> None:
    one = chip(part(rows, columns, copies))
    moved = [with_buffer(layer, size, one).traffic for size in sorted(bits)]
    amounts = [t.outer_bits.item() if t.fits.item() else math.inf for t in moved]
    assert all(more <= less for less, more in pairwise(amounts))
    least = with_buffer(layer, math.inf, one).traffic.outer_bits.item()
    assert all(amount >= least for amount in amounts)


@given(
    layers(),
    st.integers(1, 17),
    st.integers(1, 17),
    st.integers(1, 5),
    st.floats(500, 1e7),
    st.floats(1e6, 1e12),
)
def test_latency_is_above_the_roofline_and_energy_above_the_macs(
    layer: Layer, rows: int, columns: int, copies: int, bits: float, bits_per_s: float
) -> None:
    one = chip(part(rows, columns, copies), bits_per_s=bits_per_s)
    results = with_buffer(layer, bits, one)
    if not results.traffic.fits.item():
        assert math.isnan(results.latency_s.item())
        assert math.isnan(results.energy_j.item())
        return
    peak = rows * columns * copies * one.part.clock_hz
    words = results.traffic.outer_bits.item()
    assert results.latency_s.item() >= layer.macs / peak * (1 - 1e-12)
    assert results.latency_s.item() >= words / bits_per_s * (1 - 1e-12)
    assert results.energy_j.item() >= layer.macs * one.part.mac_j * (1 - 1e-12)
    longest = max(time.item() for time in results.times_s.values())
    assert results.latency_s.item() == longest


def test_many_chips_at_once_are_chips_one_by_one() -> None:
    network = LayerColumns.of(read_network("resnet8").layers)
    chips = [
        Chip(
            part=part(rows, columns, copies),
            buffer=sram_buffer(size, "ihp_1p"),
            outer=dram("hbm2e"),
            link_bits_per_s=1e12,
            link_j_per_bit=0.5e-12,
        )
        for rows, columns, copies in [(4, 4, 1), (8, 16, 2), (3, 7, 5)]
        for size in (16384, 100_000)
    ]
    totals = run_task(chip_columns(chips), network)
    for i, one in enumerate(chips):
        results = run_layers(chip_columns([one]), network)
        assert totals.latency_s[i] == pytest.approx(results.latency_s.sum(), rel=1e-12)
        assert totals.energy_j[i] == pytest.approx(results.energy_j.sum(), rel=1e-12)
        assert totals.energy_j[i] == pytest.approx(
            sum(totals.energies_j[level][i] for level in LEVELS), rel=1e-12
        )


def test_a_layer_that_does_not_fit_spoils_the_task_only_of_that_chip() -> None:
    network = LayerColumns.of(read_network("resnet8").layers)
    columns = chip_columns([chip(part(64, 64)), chip(part(4, 4))])
    columns.buffer_bits[:] = 16384
    totals = run_task(columns, network)
    assert np.isnan(totals.energy_j).tolist() == [True, False]
    assert np.isnan(totals.latency_s).tolist() == [True, False]


def test_buffer_by_hand() -> None:
    buffer = sram_buffer(65536, "ihp_1p")
    # 65536 bytes are two macros of 4096 words of 64 bits.
    assert (buffer.macros, buffer.size.words, buffer.size.bits) == (2, 4096, 64)
    figures = macro_figures(buffer.size)
    assert buffer.read_j_per_bit == figures.read_energy_j / 64
    assert buffer.leakage_w == 2 * figures.leakage_w
    small = sram_buffer(1024, "ihp_1p")
    assert (small.macros, small.size.words) == (1, 128)
    assert sram_buffer(65537, "ihp_1p").macros == 3


def test_published_figures_of_drams() -> None:
    # Micron's table: HBM2E 461 GB/s per stack, 6.0 pJ/bit; GDDR6 64 GB/s per device, 7.5 pJ/bit.
    assert dram("hbm2e", units=2).bandwidth_bits_per_s == pytest.approx(2 * 461e9 * 8)
    assert dram("hbm2e").energy_j_per_bit == pytest.approx(6e-12)
    assert dram("gddr6").energy_j_per_bit == pytest.approx(7.5e-12)
    assert {"ddr5", "lpddr5x", "hbm2e", "hbm3", "hbm3e", "gddr6"} <= set(dram_kinds())
    assert dram("lpddr5x", energy_j_per_bit=4e-12).bandwidth_bits_per_s == pytest.approx(
        8533e6 * 16, rel=1e-3
    )


def test_memories_and_networks_that_are_not_known_are_refused() -> None:
    with pytest.raises(DesignError, match="no published energy per bit is known for ddr5"):
        dram("ddr5")
    with pytest.raises(DesignError, match="DRAM 'rdram' is unknown; use one of ddr5"):
        dram("rdram")
    with pytest.raises(DesignError, match="smaller than a macro of ihp_1p; use at least 512 bytes"):
        sram_buffer(511, "ihp_1p")
    with pytest.raises(DesignError, match="SRAM family 'x' is unknown"):
        sram_buffer(1024, "x")
