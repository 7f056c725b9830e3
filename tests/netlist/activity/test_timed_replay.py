"""Timed replay worked by hand, its invariants, its sampling, and what it refuses."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.kernels.build import compiler
from chipdse.netlist.activity.glitches.engine_python import PythonLanes
from chipdse.netlist.activity.glitches.replay import TimedActivity, timed_replay
from chipdse.netlist.activity.recording import RecordedSignal, Recording
from chipdse.netlist.activity.replay.replay import replay
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.library import CellLibrary, OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.glitches import GlitchPower
from chipdse.netlist.power.power import analyse_power
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import Timing, Wires, analyse_timing, net_loads
from chipdse.netlist.verilog.reader import read_verilog
from tests.support.fuzzing.examples import examples

NS = 1e-9
ENGINES = ["python", pytest.param("compiled", marks=pytest.mark.tools)]


def timed(text: str, wires: Wires | None = None, period_s: float = 20 * NS) -> Timing:
    """Logic without registers, of cells of the library that ships."""
    library, operating = shipped()
    with tempfile.NamedTemporaryFile("w", suffix=".v") as file:
        file.write(text)
        file.flush()
        netlist = read_verilog(Path(file.name), library, "top")
    graph = build_timing_graph(netlist)
    return analyse_timing(graph, operating, period_s, wires=wires)


@functools.cache
def shipped() -> tuple[CellLibrary, OperatingLibrary]:
    """The library that ships, and its tables at one operating point."""
    library = resolve("sky130").load()
    return library, library.at(1.8, 25.0)


def recorded(netlist: Netlist, rows: list[int]) -> Recording:
    """A recording of the inputs, the first port in the least significant bit."""
    signals, offset = {}, 0
    for port in netlist.ports:
        if port.direction == "input":
            signals[port.name] = RecordedSignal(
                name=port.name, kind="input", width=len(port.nets), offset=offset
            )
            offset += len(port.nets)
    words = np.array([[row & 0xFFFFFFFF] for row in rows], dtype=np.uint32)
    return Recording(words=words, signals=signals, clock="clk")


def run(timing: Timing, rows: list[int], **options) -> TimedActivity:
    recording = recorded(timing.netlist, rows)
    replayed = replay(timing.netlist, recording, {})
    return timed_replay(timing, recording, {}, replayed, **options)


def chain(inverters: int) -> str:
    """a and its complement, which comes later by an odd number of inverters, into an AND."""
    wires = " ".join(f"wire w{i};" for i in range(inverters))
    cells = "".join(
        f"sky130_fd_sc_hd__inv_1 u{i} (.A({'a' if i == 0 else f'w{i - 1}'}), .Y(w{i}));\n"
        for i in range(inverters)
    )
    last = f"w{inverters - 1}"
    return (
        f"module top(a, y); input a; output y; {wires}\n{cells}"
        f"sky130_fd_sc_hd__and2_2 g (.A(a), .B({last}), .X(y));\nendmodule\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_pulse_by_hand(engine: str) -> None:
    # y = a AND NOT a is always 0. When a rises, the AND sees 11 until the chain has passed it on:
    # a pulse. Inverters of about 25 ps against an AND of about 100 ps: one inverter's pulse is
    # swallowed, eleven inverters' is not. When a falls, the AND sees 00: nothing.
    rows = [0, 1, 0, 1, 1, 0, 1]  # three rises
    for inverters, pulses in ((1, 0), (11, 3)):
        timing = timed(chain(inverters))
        found = run(timing, rows, resolution_s=1e-12, engine=engine)
        y = timing.netlist.port_of["y"].nets[0]
        assert found.functional.toggles[y] == 0
        assert found.glitch_toggles[y] == 2 * pulses
        assert found.glitch_toggles.sum() == 2 * pulses  # the chain itself has none
        assert found.engine == engine


@pytest.mark.slow
def test_wires_make_a_pulse_longer() -> None:
    # The wire to the AND's second pin is slow: what one inverter cannot do, 300 ps of wire can.
    timing = timed(chain(1))
    netlist = timing.netlist
    pin = next(p for p in range(len(netlist.pin_net)) if netlist.pin_name(p) == "g/B")
    delay = np.zeros(len(netlist.pin_net))
    delay[pin] = 300e-12
    wires = Wires(net_capacitance_f=np.zeros(netlist.net_count), pin_delay_s=delay)
    y = netlist.port_of["y"].nets[0]
    slow = timed(chain(1), wires)
    for resolution_s in (1e-12, 50e-12, 1e-9):
        counted = run(slow, [0, 1, 0], resolution_s=resolution_s).glitch_toggles[y]
        assert counted == (2 if resolution_s < 0.5e-9 else 0)  # in 1 ns bins nothing takes time
    assert run(timing, [0, 1, 0], resolution_s=1e-12).glitch_toggles[y] == 0


def wired(text: str, delay_s: float | list[float]) -> Timing:
    """Logic with wires that only delay: the same before every pin, or those given by turns."""
    netlist = timed(text).netlist
    delay = np.resize(np.asarray(delay_s, dtype=float), len(netlist.pin_net))
    return timed(text, Wires(net_capacitance_f=np.zeros(netlist.net_count), pin_delay_s=delay))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_wire_is_counted_once(engine: str) -> None:
    # Three buffers in a row, one edge: nothing overtakes anything, so the last change comes at
    # the static arrival: 3 ns of wire and the buffers' own delay.
    text = (
        "module top(a, y); input a; output y; wire n, m;\n"
        "sky130_fd_sc_hd__buf_1 g0 (.A(a), .X(n)); sky130_fd_sc_hd__buf_1 g1 (.A(n), .X(m));\n"
        "sky130_fd_sc_hd__buf_1 g2 (.A(m), .X(y));\nendmodule\n"
    )
    timing, bare = wired(text, NS), timed(text)
    y = timing.netlist.port_of["y"].nets[0]
    arrival = timing.arrival_s[0, 0, 0, 2 * y : 2 * y + 2]
    assert arrival == pytest.approx(bare.arrival_s[0, 0, 0, 2 * y : 2 * y + 2] + 3 * NS)
    for rows, edge in (([0, 1], 0), ([1, 0], 1)):
        found = run(timing, rows, resolution_s=1e-15, engine=engine)
        assert found.latest_s[y] == pytest.approx(arrival[edge], abs=2e-15)


def test_settles_when_it_should() -> None:
    timing = timed(chain(11))
    found = run(timing, [0, 1, 0, 1], resolution_s=1e-12)
    late = timing.arrival_s[0, 0, 0].reshape(-1, 2).max(axis=1)
    moved = found.latest_s > 0
    # Static timing is the latest; a pulse's two edges differ, so nothing comes after it.
    assert (found.latest_s[moved] <= late[moved] + 12e-12).all()


def test_both_edges_recorded() -> None:
    # Two rows per cycle: the input rises three times, twice at a falling edge of the clock.
    timing = timed(chain(11))
    recording = recorded(timing.netlist, [0, 1, 0, 0, 0, 1, 0, 1, 1])
    y = timing.netlist.port_of["y"].nets[0]
    both = dataclasses.replace(recording, both_edges=True)
    replayed = replay(timing.netlist, both, {})
    found = timed_replay(timing, both, {}, replayed, resolution_s=1e-12)
    assert found.cycles == found.sampled_cycles == 4
    assert found.glitch_toggles[y] == 6
    window = {"first_cycle": 2, "cycles": 2}
    with pytest.raises(DesignError, match="covers 4 cycles and glitches are asked of 2"):
        timed_replay(timing, both, {}, replayed, **window)
    replayed = replay(timing.netlist, both, {}, **window)
    late = timed_replay(timing, both, {}, replayed, **window, resolution_s=1e-12)
    assert late.cycles == 2 and late.glitch_toggles[y] == 4


CELLS = {"nand2": 2, "nor2": 2, "xor2": 2, "xnor2": 2, "a21oi": 3, "mux2": 3, "maj3": 3, "inv": 1}
PINS = {
    "a21oi": ["A1", "A2", "B1"],
    "mux2": ["A0", "A1", "S"],
    **{"nand2": ["A", "B"], "nor2": ["A", "B"], "xor2": ["A", "B"], "xnor2": ["A", "B"]},
    **{"maj3": ["A", "B", "C"], "inv": ["A"]},
}
OUT = {"nand2": "Y", "nor2": "Y", "xor2": "X", "xnor2": "Y", "a21oi": "Y", "mux2": "X"}


@st.composite
def logic(draw: st.DrawFn) -> str:
    """Random logic of eight inputs."""
    nets = [f"a[{i}]" for i in range(8)]
    lines = ["module top(a, y); input [7:0] a; output y;"]
    for number in range(draw(st.integers(3, 25))):
        kind = draw(st.sampled_from(sorted(CELLS)))
        pins = ", ".join(f".{pin}({draw(st.sampled_from(nets))})" for pin in PINS[kind])
        out = OUT.get(kind, "X" if kind == "maj3" else "Y")
        lines += [f"wire w{number};"]
        lines += [f"sky130_fd_sc_hd__{kind}_1 u{number} ({pins}, .{out}(w{number}));"]
        nets.append(f"w{number}")
    return "\n".join([*lines, f"assign y = {nets[-1]};", "endmodule", ""])


@pytest.mark.slow
@examples(25)
@given(
    text=logic(),
    seed=st.integers(0, 2**32 - 1),
    wires=st.lists(st.sampled_from([0.0, 30e-12, 110e-12, 500e-12]), min_size=1, max_size=13),
)
def test_no_net_moves_after_its_static_arrival(text: str, seed: int, wires: list[float]) -> None:
    timing = wired(text, wires)
    rows = np.random.default_rng(seed).integers(0, 256, 90).tolist()
    late = timing.arrival_s[0, 0, 0].reshape(-1, 2).max(axis=1)
    for engine in ("python",) if compiler() is None else ("python", "compiled"):
        found = run(timing, rows, resolution_s=1e-15, sampled=None, engine=engine)
        moved = found.latest_s > 0
        # Each delay is rounded to a femtosecond; logic() is at most 25 cells deep.
        assert (found.latest_s[moved] <= late[moved] + 25 * 0.5e-15).all()


@pytest.mark.slow
@examples(25)
@given(text=logic(), seed=st.integers(0, 2**32 - 1), bins=st.sampled_from([1e-12, 7e-12, 40e-12]))
def test_invariants_on_random_logic(text: str, seed: int, bins: float) -> None:
    timing = timed(text)
    rows = np.random.default_rng(seed).integers(0, 256, 90).tolist()
    # A net that settles at another value than without delays would be refused inside.
    found = run(timing, rows, resolution_s=bins, sampled=None, engine="python")
    assert (found.group_glitches >= 0).all()
    assert (found.group_glitches % 2 == 0).all()  # what leaves a settled value returns to it
    assert (found.glitch_toggles[timing.netlist.input_nets] == 0).all()
    assert found.sampled_cycles == found.cycles == 89 and found.standard_error() == 0
    slower = dataclasses.replace(timing, clock_period_s=10 * timing.clock_period_s)
    again = run(slower, rows, resolution_s=bins, sampled=None, engine="python")
    assert (again.total.toggles == found.total.toggles).all()
    if compiler() is not None:
        same = run(timing, rows, resolution_s=bins, sampled=None, engine="compiled")
        assert (same.group_glitches == found.group_glitches).all()
        assert (same.latest_s == found.latest_s).all()


def adder(bits: int) -> str:
    lines = [f"module top(a, b, s); input [{bits - 1}:0] a, b; output [{bits - 1}:0] s;"]
    lines.append(f"wire [{bits}:0] c; assign c[0] = 1'b0;")
    for i in range(bits):
        ports = f".A(a[{i}]), .B(b[{i}]), .CIN(c[{i}]), .SUM(s[{i}]), .COUT(c[{i + 1}])"
        lines.append(f"sky130_fd_sc_hd__fa_1 u{i} ({ports});")
    return "\n".join([*lines, "endmodule", ""])


@pytest.mark.slow
def test_a_sample_comes_near_the_whole_run() -> None:
    timing = timed(adder(8))
    rng = np.random.default_rng(1)
    rows = (rng.integers(0, 2**16, 4001) * (rng.random(4001) < 0.4)).tolist()
    whole = run(timing, rows, sampled=None)
    assert whole.standard_error() == 0 and whole.glitch_frac > 0.1
    total = whole.total.toggles.sum()
    errors, stated = [], []
    for seed in range(20):
        part = run(timing, rows, sampled=256, seed=seed)
        assert part.sampled_cycles == 256
        assert (part.functional.toggles == whole.functional.toggles).all()
        errors.append((part.glitch_toggles.sum() - whole.glitch_toggles.sum()) / total)
        stated.append(part.standard_error())
    # The mean stated error against the spread of 20 draws: both are known to about 20 %.
    spread = float(np.sqrt(np.mean(np.square(errors))))
    assert 0.5 < np.mean(stated) / spread < 2
    assert run(timing, rows, sampled=256, seed=3).total.toggles.sum() == pytest.approx(
        run(timing, rows, sampled=256, seed=3).total.toggles.sum()
    )


def test_power_adds_up() -> None:
    timing = timed(adder(8))
    found = run(timing, np.random.default_rng(2).integers(0, 2**16, 600).tolist())
    power = GlitchPower(
        functional=analyse_power(timing, found.functional), total=analyse_power(timing, found.total)
    )
    assert power.glitch_w[0] > 0
    whole = power.functional.total_w + power.glitch_w
    assert whole == pytest.approx(power.total.total_w)
    assert power.total.leakage_w == pytest.approx(power.functional.leakage_w)
    assert sum(power.by_group().values()) == pytest.approx(power.glitch_w)
    assert power.switching_w.min() >= 0
    # Switching energy of glitches, by hand: half of C V² each time.
    nets = timing.netlist.pin_net[timing.netlist.pin_is_driver]
    per_cycle = found.glitch_toggles / found.cycles
    load, _ = net_loads(timing.netlist, timing.library, include_drivers=True)
    energy = (0.5 * load[0].reshape(-1, 2).max(axis=1) * 1.8**2 * per_cycle)[nets].sum()
    assert power.switching_w.sum() * 20 * NS == pytest.approx(energy)


def test_what_does_not_settle_and_what_is_no_resolution_are_refused() -> None:
    timing = timed(chain(11))
    with pytest.raises(DesignError, match="still moves .* glitches need a netlist that settles"):
        run(dataclasses.replace(timing, clock_period_s=np.array([0.1 * NS])), [0, 1, 0])
    with pytest.raises(DesignError, match="resolution_s=0 must be positive"):
        run(timing, [0, 1], resolution_s=0)
    with pytest.raises(DesignError, match="too fine"):
        run(timing, [0, 1], resolution_s=1e-19)
    with pytest.raises(DesignError, match="sampled=0 cycles"):
        run(timing, [0, 1], sampled=0)
    recording = recorded(timing.netlist, [0, 1, 0])
    replayed = replay(timing.netlist, recording, {})
    unknown = dataclasses.replace(recording, unknown=np.array([[0], [1], [0]], dtype=np.uint32))
    with pytest.raises(DesignError, match="a is X at edge 1 of the recording"):
        timed_replay(timing, unknown, {}, replayed)


def test_a_net_that_settles_at_another_value_with_delays_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timing, replay_lanes = timed(chain(1)), PythonLanes.replay
    monkeypatch.setattr(PythonLanes, "replay", lambda *given: replay_lanes(*given) ^ np.uint64(1))
    with pytest.raises(DesignError, match="net .* settles at another value .* glitches = false"):
        run(timing, [0, 1, 0], engine="python")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "high",
    [
        "sky130_fd_sc_hd__conb_1 t (.HI(one));",
        "sky130_fd_sc_hd__inv_1 t (.A(1'b0), .Y(one));",
        "sky130_fd_sc_hd__or2_2 t (.A(1'b1), .B(a), .X(one));",
    ],
    ids=["tie", "inverter", "or"],
)
def test_a_net_that_is_always_1_may_feed_a_cell_that_moves(engine: str, high: str) -> None:
    timing = timed(
        f"module top(a, y); input a; output y; wire one; {high}\n"
        "sky130_fd_sc_hd__nand2_1 g (.A(a), .B(one), .Y(y)); endmodule\n"
    )
    activity = run(timing, [0, 1, 0, 1, 1], resolution_s=1e-12, engine=engine)
    nets = timing.netlist.nets_by_name
    assert activity.total.toggles[nets["y"]] == 3
    assert activity.total.toggles[nets["one"]] == 0 and activity.glitch_toggles.sum() == 0
