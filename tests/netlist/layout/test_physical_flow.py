"""Wires, clock tree and glitches through the whole flow: directions, shares, pictures, maps."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from chipdse.cli import main
from chipdse.design import Design, LibraryChoice, PhysicalOptions, find_block, make_record
from chipdse.errors import DesignError
from chipdse.evaluate import evaluate
from chipdse.netlist.power.power import analyse_power
from chipdse.report.counted import counted_text
from chipdse.report.pictures.placement import draw_point
from chipdse.stages.analyse import analyse_design
from chipdse.stages.build import build_hardware
from chipdse.stages.layout_power import power_map_w
from chipdse.stages.load import Hardware
from chipdse.stages.measure import measure
from chipdse.store.store import Store
from chipdse.study.question.sweep_file import read_sweep
from chipdse.system.parameters import PackageParameters
from chipdse.system.power_map import GRID, mapped_temperature, resampled
from chipdse.technology.calibration import calibration_of
from chipdse.technology.constants import Sources

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(root=tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def design() -> Design:
    block = find_block("multiplier")
    return Design(
        block=block,
        parameters=make_record(block.parameters, {"bits": 6}, "multiplier"),
        workload=make_record(block.workload, {"length": 200}, "multiplier"),
        library=LibraryChoice(name="sky130"),
    )


@pytest.fixture(scope="module")
def hardware(design: Design, store: Store):
    return build_hardware(design, store)[1]


def with_options(design: Design, **options) -> Design:
    return dataclasses.replace(design, physical=PhysicalOptions(**options))


def test_each_effect_adds_what_it_says(design: Design, hardware: Hardware, store: Store) -> None:
    def report(**options):
        return measure(with_options(design, **options), hardware, store)[0]

    bare = report(wires="none", clock_tree=False, glitches=False)
    wired = report(wires="placed", clock_tree=False, added_cells=False, glitches=False)
    clocked = report(wires="placed", added_cells=False, glitches=False)
    laid = report(wires="placed", glitches=False)
    full = report()
    assert bare.block_wire_power_w == bare.block_clock_tree_power_w == 0
    assert (bare.wire_level, wired.wire_level, full.wire_level) == (0, 2, 2)
    assert wired.wire_length_m > 0

    def energy(one) -> float:
        return (one.block_power_w - one.block_leakage_power_w) / one.clock_frequency_hz

    # More load is more energy; a clock tree adds to it and to the path; so do glitches.
    assert energy(bare) < energy(wired) < energy(clocked) < energy(laid) < energy(full)
    tree = clocked.block_clock_tree_power_w / clocked.clock_frequency_hz
    assert energy(clocked) == pytest.approx(energy(wired) + tree)
    assert 100e-15 < tree / clocked.clock_buffer_count < 400e-15  # at 1.8 V, all enabled
    added = laid.block_added_cell_power_w / laid.clock_frequency_hz
    assert energy(laid) == pytest.approx(energy(clocked) + added)
    glitches = full.block_glitch_power_w / full.clock_frequency_hz
    more = full.block_added_cell_power_w / full.clock_frequency_hz - added
    assert energy(full) == pytest.approx(energy(laid) + glitches + more)
    skew = calibration_of("sky130").skew_frac
    assert clocked.critical_path_s == pytest.approx(wired.critical_path_s / (1 - skew))
    # The path of the cells with their wires grows as on routed designs, together with its skew.
    growth = calibration_of("sky130").path_growth
    assert growth > 1 and clocked.layout_delay_s == 0
    assert laid.critical_path_s == pytest.approx(clocked.critical_path_s * growth)
    assert laid.layout_delay_s == pytest.approx(wired.critical_path_s * (growth - 1))
    assert laid.critical_path_s == pytest.approx(
        wired.critical_path_s + laid.layout_delay_s + laid.clock_skew_s
    )
    assert clocked.block_layout_area_m2 == clocked.block_area_m2
    assert clocked.layout_cell_count == clocked.added_cells_counted == 0
    assert full.block_core_area_m2 == pytest.approx(full.block_layout_area_m2 / 0.6)


def test_layout_adds_area_leakage_and_carbon(design: Design, store: Store) -> None:
    def metrics(**options):
        return evaluate(with_options(design, glitches=False, **options), store).flat()

    before, after = metrics(added_cells=False), metrics()
    assert after["block_area_m2"] == before["block_area_m2"]
    growth = after["block_layout_area_m2"] / after["block_area_m2"]
    assert 1.2 < growth < 1.8
    leakage = after["block_leakage_power_w"] / before["block_leakage_power_w"]
    assert leakage == pytest.approx(growth * calibration_of("sky130").leakage_growth, rel=1e-6)
    assert after["silicon_area_m2"] > before["silicon_area_m2"]
    assert after["embodied_kgco2e"] > before["embodied_kgco2e"]
    assert 0 < after["hold_buffer_count"] <= after["block_flip_flop_count"]
    assert after["layout_cell_count"] > after["hold_buffer_count"] + after["clock_buffer_count"]


def test_wires_and_cells_in_the_text(design: Design, hardware: Hardware, store: Store) -> None:
    bare = measure(with_options(design, wires="none", clock_tree=False), hardware, store)[0]
    full = measure(design, hardware, store)[0]
    assert "placement" in counted_text(full) and "no wires" in counted_text(bare)


def test_twice_the_wire_capacitance_adds_its_share_of_switching_power(
    design: Design, hardware: Hardware, store: Store
) -> None:
    """Switching power is C V^2 / 2 a transition: the wires' part doubles, the rest stays."""
    found = analyse_design(with_options(design, glitches=False), hardware, store)
    loads, power = found.loads, found.power
    wires = loads.power

    def switching(extra) -> float:
        timing = dataclasses.replace(
            found.timing,
            wires=dataclasses.replace(wires, net_capacitance_f=wires.net_capacitance_f + extra),
        )
        return float(analyse_power(timing, found.activity).switching_w.sum())

    driven = found.timing.netlist.net_driver_pin >= 0
    rate = found.activity.toggles / found.activity.cycles / found.timing.clock_period_s[0]
    share = float(0.5 * 1.8**2 * (loads.wire_f * rate)[driven].sum())
    now = float(power.switching_w.sum())
    assert switching(loads.wire_f) == pytest.approx(now + share, rel=1e-9)
    assert 0 < share < now


def test_one_placement_serves_every_supply(
    design: Design, hardware: Hardware, store: Store
) -> None:
    measure(design, hardware, store)
    store.built.clear()
    lower = dataclasses.replace(design.operating, vdd_v=1.2)
    measure(dataclasses.replace(design, operating=lower), hardware, store)
    assert sorted(store.built) == ["glitches", "measure"]


@pytest.mark.usefixtures("coarse_temperatures")
def test_picture_and_map_of_power(
    design: Design, hardware: Hardware, store: Store, tmp_path: Path
) -> None:
    draw_point(design, store, tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"
    found = analyse_design(design, hardware, store)
    watts = found.power.internal_w[0] + found.power.switching_w[0]
    grid = power_map_w(found.layout.routes, watts, 8)
    assert grid.sum() == pytest.approx(watts.sum())
    with pytest.raises(DesignError, match="wires"):
        draw_point(with_options(design, wires="none"), store, tmp_path / "q.png")
    area = found.layout.routes.core_width_m * found.layout.routes.core_height_m
    warm = mapped_temperature(grid, area, PackageParameters(), Sources())
    assert 0 < warm.even_peak_rise_k <= warm.peak_rise_k


def test_a_map_keeps_its_power_and_an_even_one_has_no_hot_spot() -> None:
    rng = np.random.default_rng(0)
    power = rng.uniform(0, 1, (7, 7))
    assert resampled(power, GRID).sum() == pytest.approx(power.sum())
    assert resampled(np.ones((6, 6)), 3) == pytest.approx(np.full((3, 3), 4.0))
    area = 25e-6
    even = mapped_temperature(np.full((4, 4), 0.5), area, PackageParameters(), Sources())
    assert even.hotspot_k == pytest.approx(0, abs=1e-9)
    corner = np.zeros((4, 4))
    corner[0, 0] = 8.0
    hot = mapped_temperature(corner, area, PackageParameters(), Sources())
    assert hot.even_peak_rise_k == pytest.approx(even.even_peak_rise_k)
    assert hot.hotspot_k > 1
    spread = mapped_temperature(corner / 16, area / 16, PackageParameters(), Sources(), copies=16)
    assert spread.hotspot_k < hot.hotspot_k / 2
    with pytest.raises(DesignError, match="copies"):
        mapped_temperature(corner, area, PackageParameters(), Sources(), copies=0)


def test_place_verb(shared: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = shared / "reference" / "wires" / "gcd_nangate45.npz"
    assert main(["place", str(file), "--json", "--to", str(tmp_path / "xy.npz")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["cells"] == 367 and result["overflow"] < 0.1
    assert result["over_reference"] == pytest.approx(1, abs=0.05)
    with np.load(tmp_path / "xy.npz") as found:
        assert len(found["x_m"]) == 367 + 54
    assert main(["place", str(tmp_path / "none.npz")]) == 2
    assert "none.npz cannot be read: No such file" in capsys.readouterr().err
    (tmp_path / "text.npz").write_text("no archive")
    assert main(["place", str(tmp_path / "text.npz")]) == 2
    assert "text.npz is no placement problem (no .npz archive)" in capsys.readouterr().err


def test_sweeps_have_a_physical_table(tmp_path: Path) -> None:
    text = (
        'block = "multiplier"\n[hardware]\nbits = [4, 6]\n[library]\nname = "sky130"\n'
        '[physical]\nwires = "formula"\nglitches = false\nutilisation = 0.6\n'
        '[objectives]\nblock_wire_power_w = "minimize"\nblock_area_m2 = "minimize"\n'
    )
    file = tmp_path / "s.toml"
    file.write_text(text)
    sweep = read_sweep(file)
    physical = sweep.template.design(next(iter(sweep.space.points()))).physical
    assert physical == PhysicalOptions(wires="formula", glitches=False, utilisation=0.6)
    file.write_text(text.replace('"formula"', '"routed"'))
    with pytest.raises(DesignError, match="routed"):
        read_sweep(file)
