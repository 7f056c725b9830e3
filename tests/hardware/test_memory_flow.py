"""Memories as macros through the whole flow: function, power by accesses, an honest self-check."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from chipdse.design import Design, LibraryChoice, PhysicalOptions
from chipdse.errors import DesignError, ToolError
from chipdse.evaluate import evaluate
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.memories import MEMORIES, family_for, read_memories, with_memories
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.netlist.activity.recording import read_recording, read_register_map
from chipdse.netlist.activity.replay.replay import replay
from chipdse.netlist.library.catalogue import resolve
from chipdse.stages.analyse import analyse_cells
from chipdse.stages.build import MemoryChoice, build_hardware, memory_choice
from chipdse.stages.load import Hardware
from chipdse.store.store import Store
from chipdse.technology.sram import MacroSize, macro_figures
from tests.support.designs.memories import (
    TABLE,
    TableParameters,
    TableWorkload,
    Twins,
    Zoo,
    accesses,
)

tools = pytest.mark.tools
SIZE = MacroSize(family="sky130_1rw1r", words=64, bits=44, mask_bits=44)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(root=tmp_path_factory.mktemp("stages"))


def design(macro_bits: int, **load: Any) -> Design:
    return Design(
        block=TABLE,
        parameters=TableParameters(),
        workload=TableWorkload(**load),
        library=LibraryChoice(name="sky130"),
        synthesis=SynthesisOptions(memory_macro_bits=macro_bits),
        physical=PhysicalOptions(wires="none", clock_tree=False, glitches=False),
    )


@pytest.fixture(scope="module")
def hardware(store: Store) -> Hardware:
    return build_hardware(design(1024), store)[1]


@tools
def test_the_boundary_moves_a_memory_from_registers_to_a_macro(store: Store) -> None:
    above, below = (evaluate(design(bits), store) for bits in (1024, 1025))
    # 64 words of 16 bits; 3 registers of one bit, two of 6, two of 16 stay, and the read port's 16.
    assert above.block.block_memory_count == 1
    assert above.block.block_memory_area_m2 == pytest.approx(macro_figures(SIZE).area_m2, rel=1e-5)
    assert below.block.block_memory_count == 0
    assert below.block.block_flip_flop_count - above.block.block_flip_flop_count == 64 * 16 + 16
    assert above.block.annotated_frac == below.block.annotated_frac == 1
    assert above.evidence()["block_area_m2"] == above.evidence()["critical_path_s"] == "modelled"
    assert below.evidence()["block_area_m2"] == "measured"
    assert above.block.block_area_m2 > above.block.block_memory_area_m2 > 0


@tools
def test_the_power_of_a_macro_is_that_of_its_accesses(hardware: Hardware) -> None:
    load, about = TableWorkload(), macro_figures(SIZE)
    timing, power, replayed = analyse_cells(LibraryChoice(name="sky130"), hardware, [1.8], [25.0])
    assert replayed.unmapped == {}
    given = accesses(TableParameters(), load)
    cycles = len(given["we"]) + 3
    # The window is as long as the stimulus; the accesses come one cycle late and all fit.
    per_cycle = (
        sum(given["we"]) * (about.write_energy_j - about.idle_energy_j)
        + sum(given["re"]) * (about.read_energy_j - about.idle_energy_j)
    ) / cycles + 2 * about.idle_energy_j
    groups, period = power.by_group()["macro"], timing.clock_period_s[0]
    assert groups["internal_w"][0] * period == pytest.approx(per_cycle, rel=0.005)
    assert groups["leakage_w"][0] == pytest.approx(about.leakage_w, rel=1e-3)


@tools
def test_timing_starts_and_ends_at_the_macro(hardware: Hardware) -> None:
    timing, _, _ = analyse_cells(LibraryChoice(name="sky130"), hardware, [1.8], [25.0])
    about = macro_figures(SIZE)
    # Data come after the falling edge: half a period holds the access and the setup of a register.
    assert timing.min_period_s[0] > 2 * about.access_s
    assert timing.min_period_s[0] < 2 * about.access_s + 1e-9


@tools
@pytest.mark.parametrize("pin", ["we", "waddr", "din", "raddr"])
def test_a_netlist_that_drives_a_macro_wrongly_fails_the_self_check(
    hardware: Hardware, tmp_path: Path, pin: str
) -> None:
    from chipdse.netlist.verilog.reader import read_verilog
    from chipdse.stages.load import cells_of

    netlist = read_verilog(
        hardware.mapped.netlist, cells_of(LibraryChoice(name="sky130"), hardware.macros), "top"
    )
    kind = next(k for k in map(int, netlist.used_types) if netlist.cells[k].is_macro)
    instance = int(netlist.instances_of[kind][0])
    cell, start = netlist.cells[kind], int(netlist.pin_start[instance])
    place = cell.buses[pin][1] if pin in cell.buses else cell.pin_index[pin]
    nets = netlist.pin_net.copy()
    nets[start + place] = 0  # tied to ground
    wrong = dataclasses.replace(netlist, pin_net=nets)
    run = hardware.run
    recording = read_recording(run.layout, run.data)
    registers = read_register_map(hardware.mapped.register_map)
    window = {"first_cycle": run.first_cycle, "cycles": run.cycles}
    assert replay(netlist, recording, registers, **window).unmapped == {}
    with pytest.raises(DesignError, match=rf"output mem\.0\.0\.{pin}.*not what the RTL does"):
        replay(wrong, recording, registers, **window)


@tools
@pytest.mark.parametrize(
    ("load", "message"),
    [({"filled": False}, "reads differ"), ({"clash": True}, "reads differ")],
    ids=["power-up", "clash"],
)
def test_what_an_sram_does_not_promise_fails_the_bench(
    store: Store, load: dict[str, bool], message: str
) -> None:
    # Amaranth's memory starts with zeros and shows the old word; registers keep both.
    build_hardware(design(1025, **load), store)
    with pytest.raises(ToolError, match=message):
        build_hardware(design(1024, **load), store)


@tools
def test_tables_that_are_mapped_once_keep_their_macros_apart(store: Store) -> None:
    twins = dataclasses.replace(TABLE, name="twins", hardware=Twins)
    flat = dataclasses.replace(design(1024), block=twins)
    options = dataclasses.replace(flat.synthesis, hierarchy="shared")
    shared = dataclasses.replace(flat, synthesis=options)
    # Replay compares the pins of each macro with the recording; see above.
    reports = [evaluate(point, store).block for point in (flat, shared)]
    assert [report.block_memory_count for report in reports] == [2, 2]
    assert all(report.annotated_frac == 1 for report in reports)
    text = build_hardware(shared, store)[1].mapped.netlist.read_text()
    # Only shared synthesis keeps flip-flops that are equal in both.
    assert "\\left.ff_0 " in text and "\\right.ff_0 " in text
    assert "\\left.mem" in text and "\\right.mem" in text


@tools
def test_what_becomes_of_every_kind_of_memory(store: Store) -> None:
    block = dataclasses.replace(
        TABLE,
        name="zoo",
        parameters=dataclasses.make_dataclass("None_", []),
        hardware=lambda p: Zoo(),
    )
    rtl = elaborate(block, block.parameters(), store)
    mapped = with_memories(rtl, 4096, "sky130_1rw1r", store)
    found = {one.name: one for one in read_memories(mapped.rtlil.parent / MEMORIES)}
    found = {name.removeprefix("top."): one for name, one in found.items()}
    macros = {name: one.macros for name, one in found.items() if one.macros}
    assert macros == {"plain": 1, "bytes": 1, "deep": 4, "bypass": 1}
    assert found["bytes"].size == MacroSize(family="sky130_1rw1r", words=256, bits=48, mask_bits=8)
    reasons = {name: one.reason for name, one in found.items() if not one.macros}
    assert "without register" in reasons["at_once"]
    assert "starts with content" in reasons["loaded"]
    assert "covers 4 bits" in reasons["fine"]
    assert "no macro" in reasons["two_writers"]
    assert "smaller than memory_macro_bits=4096" in reasons["small"]
    assert set(mapped.macros) == {one.size for one in found.values() if one.size is not None}
    assert with_memories(rtl, 10**6, "sky130_1rw1r", store) is rtl


def test_no_memory_becomes_a_macro_where_none_is_asked_for_or_the_library_has_none() -> None:
    assert memory_choice(design(1024)) == MemoryChoice(macro_bits=1024, family="sky130_1rw1r")
    assert memory_choice(design(0)) is None


def test_the_family_follows_the_library() -> None:
    assert family_for("sky130", "auto") == family_for("sky130_fd_sc_hd__tt.lib", "auto")
    assert family_for("sg13g2_typ_1p20V_25C.lib.gz", "auto") == "ihp_1p"
    assert family_for("asap7_SIMPLE.lib", "auto") is None
    assert family_for("asap7_SIMPLE.lib", "ihp_1p") == "ihp_1p"
    with pytest.raises(DesignError, match="use auto or one of ihp_1p, sky130_1rw1r"):
        family_for("sky130", "openram")
    with pytest.raises(DesignError, match="use >= 1, or 0: all memories stay in registers"):
        SynthesisOptions(memory_macro_bits=-1)


def test_a_saved_list_of_memories_reads_back(tmp_path: Path) -> None:
    entry = {"name": "top.mem", "words": 4, "bits": 2, "macros": 0, "size": None, "reason": "small"}
    (tmp_path / MEMORIES).write_text(json.dumps([entry]))
    assert read_memories(tmp_path / MEMORIES)[0].reason == "small"
    assert resolve("sky130").name == "sky130"
