"""The main job on the smallest designs, with the real tools."""

import dataclasses
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

import chipdse
from chipdse.design import Design, LibraryChoice, OperatingPoint, find_block
from chipdse.errors import DesignError, InfeasibleError, ToolError
from chipdse.evaluate import evaluate
from chipdse.store.store import Store
from chipdse.system.parameters import PackageParameters
from tests.support import kernels, small_sweep

pytestmark = pytest.mark.tools

SWEEP = """
question = "Does the flow work?"
block = "mac_array"
[hardware]
rows = 1
columns = 1
operand_bits = [2, 3]
accumulator_bits = [6, 10]
signed = false
[workload]
length = 32
depth = 8
[library]
name = "sky130"
[operating]
clock_frac = [0.5, 0.75, 1.0]
[package]
tiles = [1, 100]
[objectives]
energy_per_op_j = "minimize"
throughput_ops_per_s = "maximize"
[search]
trials = 12
sampler = "random"
harvest = false
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One store for the tests of this file: most need the same few designs."""
    folder = kernels.lend(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHIPDSE_CACHE", str(folder))
        kernels.coarse_temperatures(patch)
        yield folder


@pytest.fixture
def store(cache: Path) -> Store:
    return Store(root=cache / "stages")


def design(**parameters: Any) -> Design:
    block = find_block("mac_array")
    small = {"rows": 1, "columns": 1, "operand_bits": 4, "accumulator_bits": 13}
    return Design(
        block=block,
        parameters=block.parameters(**{**small, **parameters}),
        workload=block.workload(length=64, depth=16),
        library=LibraryChoice(name="sky130"),
    )


def test_cheap_changes_run_no_tool(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = evaluate(design(), store)
    store.built.clear()

    def forbidden(*arguments: Any, **_: Any) -> None:
        raise AssertionError(f"ran {arguments}")

    monkeypatch.setattr("chipdse.tools.subprocess.run", forbidden)
    half = evaluate(dataclasses.replace(design(), operating=OperatingPoint(clock_frac=0.5)), store)
    package = PackageParameters(tiles=100, cooling="cold_plate")
    other = evaluate(dataclasses.replace(design(), package=package), store)
    assert store.built == []
    assert half.block.clock_frequency_hz == pytest.approx(first.block.f_max_hz / 2)
    assert half.block.block_leakage_power_w == first.block.block_leakage_power_w
    dynamic = first.block.block_internal_power_w + first.block.block_switching_power_w
    half_dynamic = half.block.block_internal_power_w + half.block.block_switching_power_w
    assert half_dynamic == pytest.approx(dynamic / 2)
    assert other.system.throughput_ops_per_s == pytest.approx(
        100 * first.block.block_throughput_ops_per_s
    )


def test_a_supply_change_runs_no_tool(store: Store, shared: Path) -> None:
    folder = shared / "pdk" / "ihp-sg13g2"
    choice = LibraryChoice(
        files=tuple(folder / f"sg13g2_stdcell_typ_1p{v}0V_25C.lib.gz" for v in (2, 5))
    )
    package = PackageParameters(node_nm=130.0)
    base = dataclasses.replace(design(), library=choice, package=package)
    slow = evaluate(base, store)
    store.built.clear()
    fast = evaluate(dataclasses.replace(base, operating=OperatingPoint(vdd_v=1.5)), store)
    assert set(store.built) == {"measure", "glitches"}  # glitches have the delays of the supply
    assert fast.block.f_max_hz > slow.block.f_max_hz
    assert fast.block.block_energy_per_op_j > slow.block.block_energy_per_op_j
    with pytest.raises(DesignError, match="1.2 to 1.5 V"):
        evaluate(dataclasses.replace(base, operating=OperatingPoint(vdd_v=1.6)), store)


def test_known_physics(store: Store) -> None:
    plain = evaluate(design(operand_bits=6, accumulator_bits=17), store).block
    narrow = evaluate(design(), store).block
    assert plain.block_energy_per_op_j > 1.2 * narrow.block_energy_per_op_j
    piped = evaluate(design(operand_bits=6, accumulator_bits=17, pipeline_stages=2), store).block
    assert piped.f_max_hz > 1.1 * plain.f_max_hz
    period = 1 / plain.clock_frequency_hz
    piped_energy = piped.block_register_power_w / piped.clock_frequency_hz
    assert piped_energy > 1.1 * plain.block_register_power_w * period
    workload = dataclasses.replace(design().workload, sparsity=0.75)
    sparse = evaluate(dataclasses.replace(design(), workload=workload), store).block
    assert sparse.block_energy_per_op_j < 0.95 * narrow.block_energy_per_op_j


@pytest.mark.few_cases(2)
@pytest.mark.parametrize("form", ["direct", "transposed"])
@pytest.mark.parametrize("pipeline_stages", [0, 2])
def test_netlist_equals_rtl_equals_reference(store: Store, form: str, pipeline_stages: int) -> None:
    """The bench compares RTL and reference, replay compares netlist and RTL in every cycle."""
    block = find_block("fir")
    parameters = block.parameters(
        taps=3, data_bits=4, coefficient_bits=3, form=form, pipeline_stages=pipeline_stages
    )
    filtered = dataclasses.replace(
        design(), block=block, parameters=parameters, workload=block.workload(length=100)
    )
    report = evaluate(filtered, store).block
    assert report.annotated_frac == 1.0
    assert report.ops_per_cycle > 0.9


def test_a_clock_faster_than_the_logic_is_a_violation(store: Store) -> None:
    operating = OperatingPoint(clock_period_s=1e-10)
    metrics = evaluate(dataclasses.replace(design(), operating=operating), store)
    assert metrics.constraints()["timing"] > 0


def test_a_failed_simulation_names_its_log(store: Store) -> None:
    with pytest.raises(ToolError, match="overflows .* use accumulator_bits >=") as error:
        evaluate(design(accumulator_bits=8, signed=False), store)
    assert error.value.log is not None
    assert error.value.log.is_file()


def sweep_file(folder: Path) -> Path:
    return small_sweep.sweep_file(folder, SWEEP)


def run_sweep(folder: Path, **arguments: Any) -> Any:
    return chipdse.sweep(sweep_file(folder), study=folder / "study", progress=False, **arguments)


def run_here(folder: Path, **arguments: Any) -> Any:
    """The same without processes of its own and without a report."""
    return small_sweep.here(sweep_file(folder), folder / "study", **arguments)


@pytest.fixture(scope="module")
def study(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run_sweep(tmp_path_factory.mktemp("one"), workers=1, report=False)


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=["trial", "failure"]).reset_index(drop=True)


def test_failures_are_recorded_and_the_sweep_goes_on(study: Any) -> None:
    points = study.points()
    assert len(points) == 12
    failed = points[points["state"] == "failed"]
    # Three operand bits and six of accumulator overflow on this workload.
    assert len(failed)
    assert (failed["operand_bits"] == 3).all()
    assert (failed["accumulator_bits"] == 6).all()
    assert failed["failure"].str.contains("use accumulator_bits >= ").all()
    assert not failed["on_front"].any()
    assert not points.duplicated(["operand_bits", "accumulator_bits", "clock_frac", "tiles"]).any()


def test_same_seed_same_front(study: Any, tmp_path: Path) -> None:
    again = run_here(tmp_path)
    pd.testing.assert_frame_equal(comparable(study.points()), comparable(again.points()))
    assert len(again.front())


def test_two_workers_repeat_nothing(cache: Path, tmp_path: Path) -> None:
    store = tmp_path / "stages"
    points = run_sweep(tmp_path, workers=2, store=store, report=False).points()
    assert len(points) == 12
    hardware = points.drop_duplicates(["operand_bits", "accumulator_bits"])
    assert 2 < len(hardware) < 12
    folders = [path for path in (store / "elaborate").iterdir() if path.is_dir()]
    assert len(folders) == len(hardware)
    # A folder is a result, or a failed one; beside them lie lists of what results have read.
    folders = [path for path in (store / "simulate").iterdir() if path.is_dir()]
    names = {path.name.partition(".")[0] for path in folders}
    assert len(names) == len(hardware)


def test_a_study_goes_on_where_it_stopped(study: Any, tmp_path: Path) -> None:
    run_here(tmp_path, trials=5)
    whole = run_here(tmp_path)
    pd.testing.assert_frame_equal(comparable(study.points()), comparable(whole.points()))


def test_another_sweep_in_the_same_folder_is_refused(study: Any, tmp_path: Path) -> None:
    other = tmp_path / "small.toml"
    other.write_text(SWEEP.replace("depth = 8", "depth = 16"))
    with pytest.raises(DesignError, match="another sweep: its workload differs"):
        chipdse.sweep(other, study=study.folder.path, progress=False)


def test_stock_optuna_opens_the_study(study: Any) -> None:
    storage = f"sqlite:///{study.folder.path / 'study.db'}"
    (name,) = optuna.get_all_study_names(storage)
    loaded = optuna.load_study(study_name=name, storage=storage)
    best = {trial.number for trial in loaded.best_trials}
    assert best == set(study.front()["trial"])
    assert loaded.metric_names == ["energy_per_op_j", "throughput_ops_per_s"]


def test_a_study_without_a_feasible_point_has_no_front(cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "hot.toml"
    text = SWEEP.replace("[search]", "[limits]\npower_w = { max = 1e-12 }\n[search]")
    file.write_text(text)
    with pytest.raises(InfeasibleError, match="no feasible point"):
        small_sweep.here(file, tmp_path / "study", trials=2)
        chipdse.load_study(tmp_path / "study").front()
    assert not chipdse.load_study(tmp_path / "study").points()["on_front"].any()


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_sweep_loses_only_what_was_in_flight(
    cache: Path, tmp_path: Path, how: signal.Signals
) -> None:
    # With a store of its own, so that there is something to interrupt.
    process = small_sweep.start(sweep_file(tmp_path), tmp_path / "study", tmp_path / "cache")
    while process.poll() is None and small_sweep.trials_done(tmp_path / "study") < 2:
        time.sleep(0.2)
    process.send_signal(how)
    _, errors = process.communicate()
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "run the same command again to go on" in errors
    before = chipdse.load_study(tmp_path / "study").points()
    assert 2 <= len(before) < 12
    whole = run_here(tmp_path).points()
    assert len(whole) == 12
    same = whole[whole["trial"].isin(before["trial"])]
    pd.testing.assert_frame_equal(  # whole numbers are floats beside a point that failed
        comparable(before).drop(columns="on_front"),
        comparable(same).drop(columns="on_front"),
        check_dtype=False,
    )
    names = [axis.name for axis in chipdse.load_study(tmp_path / "study").folder.sweep.space.axes]
    assert not whole.duplicated(names).any()


def test_the_python_api_in_ten_lines(study: Any, cache: Path) -> None:
    metrics = chipdse.evaluate_point(
        "mac_array", {"rows": 1, "columns": 1, "operand_bits": 2, "accumulator_bits": 10}
    )
    assert metrics.flat()["energy_per_op_j"] > 0
    front = study.front()
    assert isinstance(front, pd.DataFrame)
    assert front["energy_per_op_j"].is_monotonic_increasing
    page = study.write_report(study.folder.path / "report.html", details=0)
    assert page.stat().st_size > 1_000_000
    assert json.loads((study.folder.path / "study.json").read_text())["versions"]["pyosys"]
