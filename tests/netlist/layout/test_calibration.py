"""Calibrations of layout: their files, the user's file, and the errors that results state."""

import dataclasses
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from benchmarks.layout_tables import (
    clock_nets,
    design_rows,
    energy_j,
    number,
    read_tables,
    technology,
)
from benchmarks.routed_estimates import LIBERTY
from chipdse.cli import main
from chipdse.design import Design, LibraryChoice, PhysicalOptions, find_block, make_record
from chipdse.errors import DesignError
from chipdse.evaluate import evaluate
from chipdse.stages.layout import measured_errors
from chipdse.store.store import Store
from chipdse.technology.calibration import (
    ANY,
    PROCESSES,
    MeasuredError,
    calibration_of,
    parse_calibration,
    read_calibration,
)

# Of its 135 registers 27 have inverters in front of them, which 3 buffers drive.
CLOCK_NETS = (
    "--clock-nets",
    "sky130hd/tt_um_entwurf_integrierter_schaltungen_hadner=109,10,9,10",
)
ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "chipdse" / "technology" / "data" / "layout_sky130.toml"


@pytest.mark.parametrize("process", [*PROCESSES, None])
def test_every_process_has_one_with_errors(process: str | None) -> None:
    calibration = calibration_of(process)
    assert calibration.process == (process or ANY)
    assert calibration.designs > 0
    area = calibration.errors_by_metric["block_layout_area_m2"]
    assert area.least_frac <= area.most_frac
    assert calibration.errors_by_metric["block_core_area_m2"] == area


def test_the_goals_that_routed_designs_were_to_show() -> None:
    sky130 = calibration_of("sky130").errors_by_metric
    assert sky130["block_clock_tree_power_w"].median_frac <= 0.10
    power = sky130["block_power_w"]
    assert power.median_frac <= 0.06 and -0.20 <= power.least_frac <= power.most_frac <= 0.20
    assert abs(calibration_of("gf180").errors_by_metric["block_power_w"].least_frac) <= 0.12
    assert sky130["critical_path_s"].median_frac <= 0.04
    for process in ("sky130", "ihp-sg13g2"):
        assert calibration_of(process).errors_by_metric["block_layout_area_m2"].median_frac <= 0.05


def test_a_process_without_designs_has_larger_errors() -> None:
    errors = [
        calibration_of(p).errors_by_metric["block_clock_tree_power_w"] for p in ("sky130", "")
    ]
    assert errors[0].median_frac < errors[1].median_frac


def test_the_error_of_the_frequency_is_the_inverse_of_the_paths() -> None:
    """A path of 0.8 to 0.9 times the routed one is a frequency of 1.11 to 1.25 times."""
    path = MeasuredError(
        quantity="critical_path_s", designs=3, median_frac=0.15, least_frac=-0.2, most_frac=-0.1
    )
    frequency = path.inverse("f_max_hz")
    assert frequency.least_frac == pytest.approx(1 / 9)
    assert frequency.most_frac == pytest.approx(0.25)
    assert frequency.median_frac == pytest.approx(1 / 0.85 - 1)
    errors = calibration_of("sky130").errors_by_metric
    assert errors["f_max_hz"] == errors["critical_path_s"].inverse("f_max_hz")


def test_text_of_an_error() -> None:
    one = MeasuredError(quantity="x", designs=9, median_frac=0.04, least_frac=-0.12, most_frac=0.09)
    assert one.text() == "median 4 %, -12 to +9 % over 9 routed designs"
    alone = dataclasses.replace(one, designs=1)
    assert alone.text() == "-12 % for 1 routed design"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("hold_area = ", "hold_areas = ", "has no coefficients.hold_area; write a number"),
        ("sinks_per_region = ", "sinks_per_region = 1#", "sinks_per_region must be at least 2"),
        ("sinks_per_cluster = ", "sinks_per_cluster = 0#", "cluster must be at least 1"),
        ("path_growth = ", "path_growth = 0#", "path_growth must be above 0"),
        ("skew_frac = ", "skew_frac = -1#", "skew_frac is -1; write a number of at least 0"),
        ("skew_frac = ", 'skew_frac = "a"#', "skew_frac is 'a'; write a number"),
        ("[coefficients]", "[coefficients]\nmore = 1", "coefficients.more is not known; remove it"),
        ("median_frac = ", "median = ", "must have the numbers designs, median_frac"),
        ("[coefficients]", "[coefficients", "is no TOML file"),
        ("[coefficients]", f"x = {'[' * 9000}\n[coefficients]", "is no TOML file"),
        ("[coefficients]", "coefficients = 3\n[x]", "coefficients is 3; write a table"),
        ("skew_frac = ", "skew_frac = inf#", "skew_frac is inf; write a number"),
        ("skew_frac = ", "skew_frac = nan#", "skew_frac is nan; write a number"),
        ("skew_frac = ", f"skew_frac = 1{'0' * 400}#", "write a number"),
        ("designs = ", "designs = 'many'#", "designs is 'many'; write a whole number"),
        ("designs = ", "designs = 2.5#", "designs is 2.5; write a whole number"),
        ("process = ", "process = 5#", "process is 5; write a name"),
        ("median_frac = ", "median_frac = inf#", "must have the numbers designs, median_frac"),
    ],
)
def test_files_that_are_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(DesignError, match="calibration mine.toml.*") as error:
        parse_calibration(SHIPPED.read_text().replace(old, new, 1), "mine.toml")
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="none.toml cannot be read"):
        read_calibration(tmp_path / "none.toml")


@pytest.mark.tools
def test_the_calibration_of_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    block = find_block("multiplier")
    file = tmp_path / "mine.toml"
    design = Design(
        block=block,
        parameters=make_record(block.parameters, {"bits": 4}, "multiplier"),
        workload=make_record(block.workload, {"length": 50}, "multiplier"),
        library=LibraryChoice(name="sky130"),
        physical=PhysicalOptions(wires="formula", glitches=False, calibration=str(file)),
    )
    store = Store(root=tmp_path / "store")

    def growth(logic: float) -> float:
        lines = SHIPPED.read_text().splitlines()
        kept = [f"logic_growth = {logic}" if x.startswith("logic_growth") else x for x in lines]
        file.write_text("\n".join(kept))
        metrics = evaluate(design, store)
        assert metrics.errors == read_calibration(file).errors_by_metric
        return metrics.block.block_layout_area_m2 / metrics.block.block_area_m2

    # The content of the file decides, not its name: an edited file is not answered from the store.
    assert growth(1.5) - growth(1.0) == pytest.approx(0.5, abs=0.05)
    assert measured_errors(design)
    bare = dataclasses.replace(design.physical, added_cells=False)
    assert measured_errors(dataclasses.replace(design, physical=bare)) == {}
    words = ["eval", "multiplier", "--set", "bits=4", "--workload", "length=50", "--physical"]
    options = ["wires=formula", "glitches=false", f"calibration={file}"]
    assert main([*words, *options, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["measured_errors"]
    assert shown["block_power_w"]["designs"] > 0
    assert main([*words, "calibration=none.toml"]) == 2
    assert "none.toml cannot be read: No such file or directory\n" in capsys.readouterr().err


@pytest.mark.slow
def test_the_shipped_files_are_what_the_script_makes(shared: Path, tmp_path: Path) -> None:
    tables = shared / "reference" / "routed"
    if not tables.is_dir():
        pytest.skip("the tables of routed designs are not here")
    pdk = shared / "pdk"
    libraries = {
        "sky130hd": pdk / "sky130hd" / "sky130_fd_sc_hd__tt_025C_1v80.lib.gz",
        "ihp-sg13g2": pdk / "ihp-sg13g2" / "sg13g2_stdcell_typ_1p20V_25C.lib.gz",
        "gf180mcu": pdk / "gf180mcu" / "gf180mcu_fd_sc_mcu7t5v0__tt_025C_5v00.lib.gz",
    }
    words = [sys.executable, "-m", "benchmarks.calibrate_layout", str(tables)]
    for name, library in libraries.items():
        words += ["--library", f"{name}={library}"]
    words += ["--skew", "0.0024", "--to", str(tmp_path), *CLOCK_NETS]
    words += ["--hold-slack", "sky130=5e-10"]
    subprocess.run(words, check=True, capture_output=True, cwd=ROOT)
    for file in tmp_path.iterdir():
        new = tomllib.loads(file.read_text())
        shipped = tomllib.loads((SHIPPED.parent / file.name).read_text())
        assert new["coefficients"] == pytest.approx(shipped["coefficients"], rel=2e-3)
        for metric, error in new["errors"].items():
            assert error == pytest.approx(shipped["errors"][metric], abs=2e-3)


@pytest.mark.few_cases(1)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("tech", "design", "port"),
    [
        ("sky130hd", "tt_um_4bit_cpu_with_fsm", "clk"),
        ("sky130hd", "tt_um_ja1tye_tiny_cpu", "clk"),
        ("gf180mcu", "diceroll", "wb_clk_i"),
    ],
)
def test_rows_of_a_routed_design_of_the_user(
    tech: str, design: str, port: str, shared: Path
) -> None:
    folder = shared / "reference" / "routed"
    if not folder.is_dir():
        pytest.skip("the routed designs are not here")
    liberty = next((shared / "pdk").glob(LIBERTY[tech]))
    files = [folder / "designs" / f"{tech}__{design}.{kind}.gz" for kind in ("v", "spef")]
    classes, truth = design_rows(technology(f"{tech}={liberty}"), design, files[0], files[1], port)
    tables = read_tables(folder)
    for name, value in classes.items():
        if name not in ("tech", "design", "clock_nets"):
            expected = number(tables.classes[tech, design], name)
            # Their class of a cell is by name alone; a cell without an output is none of ours.
            assert float(value) == pytest.approx(expected, rel=0.02, abs=1), name
    known = tables.truth[tech, design]
    assert energy_j(truth) == pytest.approx(energy_j(known), rel=0.03)
    # Every register is a sink of one net; a clock gate or inverter is one more.
    assert sum(clock_nets(truth, "sinks")) >= number(truth, "sinks")
    for name in ("sinks", "clock_buffers", "spef_clock_fF"):
        assert number(truth, name) == pytest.approx(number(known, name), rel=0.03), name
