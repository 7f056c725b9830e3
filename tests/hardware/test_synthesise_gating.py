"""Clock gates that synthesis puts in: as the RTL, as Icarus, and what they save; mapping goals."""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.hardware.mapping_library import mapping_library
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.netlist.activity.glitches.replay import TimedActivity, timed_replay
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.entry import liberty_files_for_synthesis
from chipdse.netlist.power.glitches import GlitchPower
from chipdse.netlist.power.power import Power, analyse_power
from chipdse.netlist.timing.timing import Timing
from tests.support.designs.timed import FIRST_CYCLE, TimedDesign, make_design
from tests.support.timed_icarus import toggles

pytestmark = pytest.mark.tools
CYCLES = 120

# Words that are written now and then, a counter that resets before its enable, a free register.
STORE = """
module top(input clk, input rst, input write, input [1:0] where, input [7:0] data,
           output reg [7:0] sum, output reg [5:0] count, output [7:0] word);
  reg [7:0] words [0:3];
  assign word = words[where];
  always @(posedge clk) begin
    if (rst) begin words[0] <= 0; words[1] <= 0; words[2] <= 0; words[3] <= 0; end
    else if (write) words[where] <= data;
    if (rst) count <= 0; else if (data[0] & write) count <= count + 1;
    sum <= words[0] ^ words[1] ^ words[2] ^ words[3];
  end
endmodule
"""
RARELY = {"write": "($random & 7) == 0"}


def make(folder: Path, options: SynthesisOptions, source: str = STORE) -> TimedDesign:
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus (iverilog) is not installed")
    entry = resolve("sky130")
    files = liberty_files_for_synthesis(entry, folder / "library")
    library = entry.load().at(1.8, 25.0)
    return make_design(
        folder, source, library, files, cycles=CYCLES + 5, options=options, stimuli=RARELY
    )


Made = Callable[..., TimedDesign]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """As `make`; a design that several tests read is made once."""

    @functools.cache
    def build(options: SynthesisOptions, source: str = STORE) -> TimedDesign:
        return make(tmp_path_factory.mktemp("made"), options, source)

    return build


def power_of(design: TimedDesign) -> Power:
    return analyse_power(design.timing, design.timed(CYCLES, sampled=None).total)


def glitch_power(timing: Timing, found: TimedActivity) -> GlitchPower:
    return GlitchPower(
        functional=analyse_power(timing, found.functional), total=analyse_power(timing, found.total)
    )


def test_gated_is_as_the_rtl_as_icarus_and_cheaper(made: Made) -> None:
    plain, gated = made(SynthesisOptions()), made(SynthesisOptions(clock_gating=4))
    netlist = gated.timing.netlist
    gates = [name for name in netlist.cell_names if name.startswith("gate_")]
    assert len(gates) == 5  # four words and the counter; `sum` has no enable
    # Replay compares every register with the RTL in every cycle; all of them are found.
    replayed = gated.replayed(CYCLES)
    assert replayed.checked_bits >= 32 + 6 + 8 and not replayed.unmapped
    # Every net, gated clocks included, toggles as in a simulation with delays.
    trace, _ = gated.simulate(CYCLES)
    found = timed_replay(
        gated.timing,
        gated.recording,
        gated.registers,
        replayed,
        first_cycle=FIRST_CYCLE,
        cycles=CYCLES,
        sampled=None,
        resolution_s=1e-15,
    )
    reference = toggles(trace, netlist.net_count)
    assert (found.total.toggles[2:] == reference[2:]).all()
    clock = gated.timing.graph.clock
    pulses = found.total.toggles[clock.gated]
    assert len(pulses) == 5 and (pulses > 0).all() and (pulses < CYCLES).all()
    # The gate's enable is checked against the clock, and the words' clock pins cost less.
    pins = {netlist.pin_name(int(pin) >> 1) for pin in gated.timing.graph.check_pin}
    assert {f"{name}/GATE" for name in gates} <= pins
    before, after = power_of(plain), power_of(gated)
    assert after.clock_pin_w.sum() < 0.5 * before.clock_pin_w.sum()
    assert after.total_w[0] < before.total_w[0]
    assert after.by_group()["clock"]["internal_w"][0] > 0  # the gates themselves are paid for
    assert gated.timing.min_period_s[0] < 1.1 * plain.timing.min_period_s[0]


def test_small_groups_stay_as_they_are(tmp_path: Path) -> None:
    design = make(tmp_path, SynthesisOptions(clock_gating=7))
    gates = [name for name in design.timing.netlist.cell_names if name.startswith("gate_")]
    assert len(gates) == 4  # the six-bit counter is too small


def test_a_library_without_clock_gates_is_refused(shared: Path, tmp_path: Path) -> None:
    files = [shared / "pdk/gt2n/gt2_6t_w31_svt_tt_0p7v25c.lib.gz"]
    assert mapping_library(files).clock_gate is None
    operating = load_library(files).at()
    with pytest.raises(DesignError, match="no integrated clock gate"):
        make_design(tmp_path, STORE, operating, files, options=SynthesisOptions(clock_gating=4))


def test_clock_gates_with_and_without_a_test_pin(shared: Path) -> None:
    ihp = mapping_library([shared / "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz"])
    assert ihp.clock_gate is not None and ihp.clock_gate.name == "sg13g2_lgcp_1"
    gf = mapping_library([shared / "pdk/gf180mcu/gf180mcu_fd_sc_mcu7t5v0__tt_025C_1v80.lib.gz"])
    assert gf.clock_gate is not None and gf.clock_gate.test == "TE"


MULTIPLY = """
module top(input clk, input rst, input write, input [7:0] a, input [7:0] b,
           output reg [15:0] p);
  reg [7:0] x, y;
  always @(posedge clk) begin x <= a; y <= b; p <= x * y; end
endmodule
"""


def test_mapping_for_delay(made: Made) -> None:
    fast = made(SynthesisOptions(goal="delay"), MULTIPLY)
    plain = made(SynthesisOptions(), MULTIPLY)
    assert fast.timing.min_period_s[0] < 0.9 * plain.timing.min_period_s[0]
    assert fast.timing.netlist.area_m2 > plain.timing.netlist.area_m2
    fast.replayed(CYCLES), plain.replayed(CYCLES)  # both are what the RTL does


def test_the_same_input_maps_to_the_same_netlist(made: Made, tmp_path: Path) -> None:
    options = SynthesisOptions(clock_gating=4)
    folders = made(options).folder, make(tmp_path, options).folder
    texts = [(folder / "synthesise" / "netlist.v").read_text() for folder in folders]
    assert texts[0] == texts[1]


def test_pipelining_a_multiplier_lowers_its_glitch_energy(made: Made) -> None:
    # Registers between the partial products and their sum stop what glitches in the first half
    # from going through the second.
    halves = """
    module top(input clk, input rst, input write, input [7:0] a, input [7:0] b,
               output reg [15:0] p);
      reg [7:0] x, y;
      reg [11:0] low, high;
      always @(posedge clk) begin
        x <= a; y <= b; low <= x * y[3:0]; high <= x * y[7:4]; p <= low + {high, 4'd0};
      end
    endmodule
    """
    energy_j = []
    for source in (MULTIPLY, halves):
        design = made(SynthesisOptions(), source)
        found = design.timed(CYCLES)
        power = glitch_power(design.timing, found)
        energy_j.append(float(power.glitch_energy_j[0]))  # one product per cycle
        slower = dataclasses.replace(design.timing, clock_period_s=2 * design.timing.clock_period_s)
        again = glitch_power(slower, found)
        assert again.glitch_energy_j == pytest.approx(power.glitch_energy_j)
        assert np.all(power.switching_w >= 0)
    assert energy_j[1] < 0.8 * energy_j[0]


def test_options_refuse_nonsense() -> None:
    with pytest.raises(DesignError, match="goal='speed' is unknown; use one of balanced"):
        SynthesisOptions(goal="speed")  # type: ignore[arg-type]
    with pytest.raises(DesignError, match="clock_gating=-1 is too small; use >= 1, or leave"):
        SynthesisOptions(clock_gating=-1)
