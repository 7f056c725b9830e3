"""Replay's self-check, its two engines, and what it refuses."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.kernels.build import compiler
from chipdse.netlist.activity.replay.counts import input_sets, joint_counts
from chipdse.netlist.activity.replay.replay import replay
from chipdse.netlist.library.logic import truth_table
from chipdse.netlist.verilog.reader import read_verilog
from tests.support.replay_runs import FIRST_CYCLE, Run, engines, shared_run

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def run(shared: Path) -> Run:
    return shared_run(shared, "ihp-sg13g2")


def values_of_nets(run: Run, rows: range) -> dict[str, np.ndarray]:
    """Every net's value in every row, one cell at a time from truth tables: slow and simple."""
    netlist, recording = run.netlist, run.recording
    values: dict[int, np.ndarray] = {
        0: np.zeros(len(rows), dtype=bool),
        1: np.ones(len(rows), dtype=bool),
    }

    def recorded(name: str, bit: int) -> np.ndarray:
        word = np.array([v >> bit & 1 for v in recording.values(name)], dtype=bool)
        return word[rows.start : rows.stop]

    for port in netlist.ports:
        if port.direction == "input" and port.name != "clk":
            for bit, net in enumerate(port.nets):
                values[net] = recorded(port.name, bit)
    waiting = []
    for instance, name in enumerate(netlist.cell_names):
        cell = netlist.cells[netlist.cell_types[instance]]
        row = netlist.pin_net[netlist.pin_start[instance] : netlist.pin_start[instance + 1]]
        if cell.sequential is None:
            waiting.append((cell, row))
            continue
        held = run.registers[name]
        state = recorded(held.signal, held.bit) ^ held.inverted
        for position in cell.outputs:
            if row[position] >= 0:
                function = str(cell.pins[position].function)
                values[int(row[position])] = state if function == cell.sequential.state else ~state
    while waiting:
        later = []
        for cell, row in waiting:
            nets = [int(row[i]) for i in cell.inputs]
            if any(net not in values for net in nets):
                later.append((cell, row))
                continue
            code = sum(
                (values[net].astype(int) << i for i, net in enumerate(nets)),
                start=np.zeros(len(rows), dtype=int),
            )
            for position in cell.outputs:
                table = truth_table(cell.pins[position].function, cell.input_names)
                values[int(row[position])] = table[code]
        assert len(later) < len(waiting)
        waiting = later
    return {netlist.net_names[net]: value for net, value in values.items()}


def test_against_one_cell_at_a_time(run: Run) -> None:
    first, cycles = 50, 37
    values = values_of_nets(run, range(first, first + cycles + 1))
    for engine in engines():
        activity = run.replay(first_cycle=first, cycles=cycles, engine=engine).activity
        for net, name in enumerate(run.netlist.net_names):
            if name in values and name != "clk":
                wave = values[name]
                assert activity.toggles[net] == (wave[1:] != wave[:-1]).sum(), name
                assert activity.high_fraction[net] == wave[1:].mean(), name
        for kind, joint in activity.states.items():
            cell = run.netlist.cells[kind]
            if cell.sequential is not None:
                np.testing.assert_allclose(joint.sum(axis=1), 1)
                continue
            for row, nets in zip(joint, run.netlist.pins_of_type(kind), strict=True):
                code = np.zeros(cycles, dtype=int)
                for i, position in enumerate(cell.inputs):
                    wave = values[run.netlist.net_names[nets[position]]][1:]
                    code += wave.astype(int) << i
                np.testing.assert_allclose(row, np.bincount(code, minlength=len(row)) / cycles)


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
@pytest.mark.parametrize(("first", "cycles"), [(40, 1), (43, 511), (45, 512), (40, 513), (49, 690)])
def test_engines_agree_bit_for_bit(run: Run, first: int, cycles: int) -> None:
    one, two = (
        run.replay(first_cycle=first, cycles=cycles, engine=engine).activity
        for engine in ("numpy", "compiled")
    )
    np.testing.assert_array_equal(one.toggles, two.toggles)
    np.testing.assert_array_equal(one.high_fraction, two.high_fraction)
    assert one.states.keys() == two.states.keys() != set()
    for kind in one.states:
        np.testing.assert_array_equal(one.states[kind], two.states[kind])


def test_windows_add_up(run: Run) -> None:
    def toggles(first: int, cycles: int) -> np.ndarray:
        return run.replay(first_cycle=first, cycles=cycles, states=False).activity.toggles

    np.testing.assert_array_equal(toggles(40, 300) + toggles(340, 250), toggles(40, 550))


SWAPS = {  # cells with the same pins and another function
    "sg13g2_nand2_1": "sg13g2_nor2_1",
    "sg13g2_nor2_1": "sg13g2_nand2_1",
    "sg13g2_xor2_1": "sg13g2_and2_1",
    "sg13g2_xnor2_1": "sg13g2_nor2_1",
}


@pytest.mark.few_cases(5)
@pytest.mark.parametrize("seed", range(0, 60, 5))
def test_a_wrong_gate_is_caught_and_named(run: Run, seed: int, tmp_path: Path) -> None:
    text = run.synthesised.netlist.read_text()
    gates = [m for m in re.finditer(r"\n  (\w+) (\S+) \(", text) if m[1] in SWAPS]
    gate = gates[seed % len(gates)]
    file = tmp_path / "mutant.v"
    file.write_text(text[: gate.start(1)] + SWAPS[gate[1]] + text[gate.end(1) :])
    netlist = read_verilog(file, run.library, "top")
    messages = set()
    for engine in engines():
        with pytest.raises(DesignError) as caught:
            replay(netlist, run.recording, run.registers, first_cycle=FIRST_CYCLE, engine=engine)
        messages.add(str(caught.value))
    (message,) = messages  # both engines name the same
    assert re.match(
        r"(register \S+\[\d+\] \(flip-flop \S+\): .* in cycle|output \S+: .* edge) \d+", message
    )


def test_a_wrong_bit_in_the_recording_is_named_with_its_cycle(run: Run) -> None:
    words = np.array(run.recording.words)
    signal = run.recording.signals["sum"]
    bit = signal.offset + 3
    words[201, bit // 32] ^= np.uint32(1 << bit % 32)
    bad = dataclasses.replace(run.recording, words=words)
    was = int(words[201, bit // 32]) >> bit % 32 & 1
    with pytest.raises(DesignError, match=rf"sum\[3\].*is {1 - was} in cycle 200.*has {was} after"):
        replay(run.netlist, bad, run.registers, first_cycle=FIRST_CYCLE)


def test_registers_that_synthesis_changed(run: Run) -> None:
    held = {(bit.signal, bit.bit) for bit in run.registers.values()}
    signals = {signal for signal, _ in held}
    # `stuck` is constant after the first edge, `unread` unread, one of two equal ones is enough.
    assert "unread" not in signals
    assert len(signals & {"twin1", "twin2"}) == 1
    assert {"sum", "inner.one.state", "inner.one.flag", "memory[0]", "memory[3]"} <= signals
    assert "inner.one.product" in signals


def test_an_unmapped_register_lowers_the_annotated_fraction(run: Run) -> None:
    name, lost = next((c, b) for c, b in run.registers.items() if b.signal == "sum")
    registers = {cell: bit for cell, bit in run.registers.items() if cell != name}
    result = replay(run.netlist, run.recording, registers, first_cycle=FIRST_CYCLE)
    assert set(result.unmapped) == {name}
    assert result.annotated_fraction < 1
    net = run.netlist.nets_by_name[f"{lost.signal}[{lost.bit}]"]
    assert not result.activity.annotated[net]


def test_refuses_cycles_that_are_not_there(run: Run) -> None:
    with pytest.raises(DesignError, match=r"cycles 10 to 100009 are not in the recording"):
        run.replay(first_cycle=10, cycles=100_000)


def test_refuses_a_falling_edge_in_a_recording_of_rising_ones(run: Run, tmp_path: Path) -> None:
    text = run.synthesised.netlist.read_text().replace(
        "  input clk;", "  input clk;\n  wire n_;", 1
    )
    text = re.sub(r"\.CLK\(clk\)", ".CLK(n_)", text, count=1)
    text = text.replace("endmodule", "  sg13g2_inv_1 turn_ (.A(clk), .Y(n_));\nendmodule")
    file = tmp_path / "falling.v"
    file.write_text(text)
    netlist = read_verilog(file, run.library, "top")
    with pytest.raises(DesignError, match="both_edges=True"):
        replay(netlist, run.recording, run.registers, first_cycle=FIRST_CYCLE)


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(1, 200), st.randoms(use_true_random=False))
def test_joint_counts_by_counting(inputs: int, rows: int, random: object) -> None:
    waves = np.array([[random.random() < 0.4 for _ in range(rows)] for _ in range(inputs)])
    singles = waves.sum(axis=1)[None]
    sets = np.array(
        [
            [
                waves[[i for i in range(inputs) if mask >> i & 1]].all(axis=0).sum()
                for mask in input_sets(inputs)
            ]
        ]
    ).reshape(1, -1)
    code = (waves.astype(int) << np.arange(inputs)[:, None]).sum(axis=0)
    expected = np.bincount(code, minlength=1 << inputs)
    np.testing.assert_array_equal(joint_counts(singles, sets, rows)[0], expected)
