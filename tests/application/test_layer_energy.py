"""Energy per MAC of layers, measured with their own operands on the RTL."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from chipdse_hdl import BLOCKS
from chipdse_hdl.mac_array import MacArrayParameters, MacArrayWorkload
from chipdse_hdl.mac_array.model import operands

from chipdse import load_study, sweep
from chipdse.api.application import layer_metrics, map_network
from chipdse.api.chip import evaluate_chips
from chipdse.api.point import design_of_point, evaluate_point
from chipdse.application import tiles
from chipdse.application.arrays import ArrayColumns, tile_layers
from chipdse.application.digits import FOLDER, Quantisation, activations, run_digits
from chipdse.application.layers import Layer, LayerColumns, Network
from chipdse.application.parts import LAYER_ENERGY, LAYER_ERROR
from chipdse.application.tables import read_network
from chipdse.application.unfold import unfold_kernels, unfold_maps
from chipdse.cli import main
from chipdse.design import find_block
from chipdse.errors import DesignError
from chipdse.store.store import Store
from chipdse.study.harvest.ranges import study_ranges
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.storage.fingerprint import parts_of
from tests.application.layer_bench import LayerWorkload
from tests.support.hdl_runs import export_verilog, run_bench

pytestmark = pytest.mark.tools

HARDWARE = {
    **{"rows": 1, "columns": 2, "operand_bits": 2, "accumulator_bits": 10, "signed": False},
}
WORKLOAD = {"length": 32, "depth": 8}


def test_the_digits_from_the_rtl_are_those_of_numpy(tmp_path: Path) -> None:
    """Each layer's tiles take what the layer before gave: the chain, to the classes."""
    images, layers = 2, read_network("digits").layers
    weights = [np.load(FOLDER / f"{layer.name}.weights.npy").astype(int) for layer in layers]
    pictures = np.load(FOLDER / "conv1.inputs.npy")[:images].astype(int)
    shifts = Quantisation.shipped().shifts
    inputs, sums = run_digits(layers, pictures, weights, shifts)
    matrices, kernels = {}, []
    for layer, maps, words in zip(layers, inputs, weights, strict=True):
        a, b = maps.reshape(images, layer.m, layer.k) if layer.convolution is None else None, words
        if layer.convolution is not None:
            a = unfold_maps(layer.convolution, maps)[:, 0]
            b = unfold_kernels(layer.convolution, words)[0]
        kernels.append(b)
        matrices |= {f"{layer.name}_a": a, f"{layer.name}_b": np.stack([b] * images)}
    np.savez(tmp_path / "layers.npz", **matrices)

    p = MacArrayParameters(rows=4, columns=4, overlapped_drain=True, gating="zero")
    block = dataclasses.replace(BLOCKS["mac_array"], bench="tests.application.layer_bench")
    verilog = export_verilog(block.hardware(p), tmp_path)
    result, complaints = run_bench(block, p, LayerWorkload(folder=str(tmp_path)), verilog, tmp_path)
    assert result is not None, complaints

    maps = pictures
    assert block.contract is not None
    tiling = tile_layers(LayerColumns.of(layers), ArrayColumns.of([block.contract(p)], [1]))
    for at, layer in enumerate(layers):
        got = np.load(tmp_path / f"{layer.name}_c.npy")  # [image, position, filter]
        if layer.convolution is None:
            assert np.array_equal(matrices[f"{layer.name}_a"], maps.reshape(images, 1, -1))
        else:
            unfolded = unfold_maps(layer.convolution, maps)[:, 0]
            assert np.array_equal(matrices[f"{layer.name}_a"], unfolded), layer.name
        if at < len(shifts):
            assert layer.window is not None
            shape = (images, layer.n, layer.window.rows, layer.window.columns)
            maps = activations(got.transpose(0, 2, 1).reshape(shape), shifts[at])
        seen: dict[str, int] = result[layer.name]  # type: ignore[assignment]
        assert seen["cycles"] == images * tiling.cycles[at], layer.name
    assert np.array_equal(got.reshape(images, -1), sums)


def tensors_of(folder: Path, **layers: tuple[np.ndarray, np.ndarray]) -> str:
    folder.mkdir(exist_ok=True)
    for name, (a, b) in layers.items():
        np.save(folder / f"{name}.inputs.npy", a)
        np.save(folder / f"{name}.weights.npy", b)
    return str(folder)


def test_zeros_cost_less_and_the_blocks_own_workload_costs_the_constant(
    warm_store: Path, tmp_path: Path
) -> None:
    stages = warm_store / "stages"
    random = np.random.default_rng(7)
    a, b = random.integers(0, 4, (4, 1, 8)), random.integers(0, 4, (4, 8, 2))
    own = operands(MacArrayParameters(**HARDWARE), MacArrayWorkload(**WORKLOAD))  # type: ignore[arg-type]
    folder = tensors_of(
        tmp_path / "tensors",
        own=(own[0][None], own[1][None]),
        halved=(a[None] * (random.random(a.shape) < 0.5), b[None]),
        random=(a[None], b[None]),
        zeros=(0 * a[None], b[None]),
        edge=(a[None], b[None, :, :, :1]),
    )
    layers = [
        Layer(name=name, kind="matmul", m=1, n=1 if name == "edge" else 2, k=8, count=4)
        for name in ("own", "zeros", "halved", "random", "edge")
    ]
    network = Network(name="laws", layers=tuple(layers))
    design = design_of_point("mac_array", HARDWARE, workload=WORKLOAD)
    found = layer_metrics(network, folder, design, store=stages)
    own_j, zeros, halved, drawn, edge = (found[LAYER_ENERGY.format(at)] for at in range(5))
    assert zeros < 0.95 * halved < 0.95 * drawn  # clock and registers take the rest
    assert drawn < edge < 2 * drawn  # a column of zeros beside the one in use costs less than it
    metrics = evaluate_point("mac_array", HARDWARE, workload=WORKLOAD, store=stages).flat()
    result = map_network(network, "mac_array", HARDWARE, metrics=metrics | found)
    assert own_j == pytest.approx(result["mac_energy_j"], rel=1e-12)
    assert result["layers"][0]["constant_tile_error_frac"] == pytest.approx(0, abs=1e-12)
    assert result["layers"][1]["constant_tile_error_frac"] > 0.2
    assert any("its own operands" in note for note in result["notes"])


def test_the_standard_error_of_drawn_tiles(
    warm_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third of the tiles give the energy of all within their standard error."""
    random, stages = np.random.default_rng(11), warm_store / "stages"
    count = 60
    a = random.integers(0, 4, (1, count, 1, 8)) * (random.random((count, 1, 1)) < 0.5)
    b = random.integers(0, 4, (1, count, 8, 2))
    folder = tensors_of(tmp_path / "tensors", some=(a, b))
    layer = Layer(name="some", kind="matmul", m=1, n=2, k=8, count=count)
    network = Network(name="net", layers=(layer,))
    design = design_of_point("mac_array", HARDWARE, workload=WORKLOAD)
    names = LAYER_ENERGY.format(0), LAYER_ERROR.format(0)
    all_j, none_j = (layer_metrics(network, folder, design, store=stages)[name] for name in names)
    assert none_j == 0
    monkeypatch.setattr(tiles, "MOST_STEPS", 20 * 8)
    metrics = layer_metrics(network, folder, design, store=stages)
    drawn_j, error_j = (metrics[name] for name in names)
    assert 0.01 * all_j < error_j < 0.1 * all_j
    assert 0 < abs(drawn_j - all_j) < 3 * error_j
    plain = evaluate_point("mac_array", HARDWARE, workload=WORKLOAD, store=stages).flat()
    result = map_network(network, "mac_array", HARDWARE, metrics=plain | metrics)
    assert result["layers"][0]["tile_standard_error_j"] == pytest.approx(error_j * layer.macs)
    assert result["totals"]["tile_standard_error_j"] == pytest.approx(error_j * layer.macs)


CHIP = """
[parts.array]
block = "mac_array"
hardware = { rows = 1, columns = [1, 2], operand_bits = 2, accumulator_bits = 10, signed = false }
workload = { length = 32, depth = 8 }
[application]
network = "net.csv"
tensors = "tensors"
"""
GOALS = '[objectives]\nlatency_s = "minimize"\nenergy_per_task_j = "minimize"\n'


def test_chips_and_their_sweep_follow_the_tensors(warm_store: Path, tmp_path: Path) -> None:
    stages, random = warm_store / "stages", np.random.default_rng(2)
    (tmp_path / "net.csv").write_text("name,m,n,k\nfirst,6,2,8\n")
    inputs = random.integers(0, 2, (6, 8))
    tensors_of(tmp_path / "tensors", first=(inputs, random.integers(0, 4, (8, 2))))
    file = tmp_path / "chip.toml"
    file.write_text(CHIP)
    chips = evaluate_chips(file, store=stages)
    errors = chips.metrics["constant_energy_error_frac"]
    for chip in range(2):
        (layer,) = chips.layers(chip)
        row = chips.row(chip)
        assert layer["tile_energy_j"] == pytest.approx(row["energy_by_level_j"]["tile"])
        assert layer["constant_energy_error_frac"] == pytest.approx(errors[chip])
    assert errors.min() > 0.05  # three quarters of the inputs' bits are zero
    file.write_text(CHIP + GOALS)
    before = parts_of(read_sweep(file))
    assert {"tensors first.inputs.npy", "tensors first.weights.npy"} <= set(before)
    with ThreadPoolExecutor(1) as thread:
        study = sweep(file, study=tmp_path / "study", store=stages, executor=thread, workers=1,
                      report=False, progress=False)  # fmt: skip
    points = study.points().sort_values("array_columns")
    for metric in ("energy_per_task_j", "constant_energy_error_frac"):
        assert points[metric].tolist() == pytest.approx(chips.metrics[metric].tolist(), rel=1e-9)
    # The error of the power moves the energies of layers and the constant alike.
    drawn = study_ranges(study.folder, study.points(), Store(root=stages), draws=64)
    tile_j, error = "tile_energy_j", "constant_energy_error_frac"
    assert (drawn.high[tile_j] > 1.01 * drawn.low[tile_j]).all()
    assert drawn.high[error] == pytest.approx(drawn.low[error], rel=1e-9)
    np.save(tmp_path / "tensors" / "first.inputs.npy", inputs[::-1])
    after = parts_of(read_sweep(file))
    assert {n for n in after if after[n] != before[n]} == {"tensors first.inputs.npy"}
    json.dumps(chips.row(0))


def test_a_trial_of_a_study_takes_tensors(
    warm_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    folder, random = warm_store / "undisturbed", np.random.default_rng(2)
    (tmp_path / "net.csv").write_text("name,m,n,k\nfirst,6,2,8\n")
    values = random.integers(0, 2, (6, 8)), random.integers(0, 4, (8, 2))  # as in the test above
    tensors = tensors_of(tmp_path / "tensors", first=values)
    trial = load_study(folder).points().query("columns == 2 and state == 'feasible'")["trial"].min()
    words = ["map", str(tmp_path / "net.csv"), "--study", str(folder), "--trial", str(trial)]
    assert main([*words, "--tensors", tensors, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    (layer,) = result["layers"]
    assert result["mac_energy_of"] == "each layer's operands"
    error = result["mac_energy_j"] / layer["mac_energy_j"] - 1
    assert layer["constant_tile_error_frac"] == pytest.approx(error)
    assert main([*words, "--tensors", tensors]) == 0
    assert "per MAC would be off by" in capsys.readouterr().out


def test_a_block_that_takes_no_tiles_is_named(tmp_path: Path) -> None:
    block = dataclasses.replace(find_block("mac_array"), tile_workload=None)
    design = dataclasses.replace(design_of_point("mac_array"), block=block)
    with pytest.raises(DesignError, match="block 'mac_array' takes no operands of a layer"):
        layer_metrics("digits", "digits", design, store=tmp_path)
