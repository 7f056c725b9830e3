"""Operands of layers: convolutions as products, tiles of them, and one clear line for bad files."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chipdse_hdl import BLOCKS
from chipdse_hdl.contract import ArrayContract
from chipdse_hdl.mac_array import MacArrayParameters, MacArrayWorkload
from hypothesis import given
from hypothesis import strategies as st

from chipdse.api.application import map_network
from chipdse.application.compose import ChipChoices, Task, compose_chosen
from chipdse.application.digits import FOLDER, Quantisation, activations, run_digits
from chipdse.application.layers import Convolution, Layer, LayerColumns, Network
from chipdse.application.measured import MeasuredPart, PartPoint
from chipdse.application.parts import LAYER_ENERGY
from chipdse.application.tables import read_network
from chipdse.application.tensors import Operands, read_tensors
from chipdse.application.tiles import LEAST_TILES, MOST_STEPS, Tiles, draw_tiles
from chipdse.application.unfold import unfold_kernels, unfold_maps
from chipdse.cli import main
from chipdse.errors import DesignError
from tests.application.convolution import direct

DIGITS = read_network("digits").layers


def array(rows: int = 4, columns: int = 3, **more: Any) -> ArrayContract:
    parameters = MacArrayParameters(rows=rows, columns=columns, **more)
    contract: ArrayContract = BLOCKS["mac_array"].contract(parameters)  # type: ignore[misc]
    return contract


@pytest.mark.parametrize(
    "more",
    [
        {"stride": (2, 1), "padding": (1, 0, 1, 1)},
        {"dilation": (2, 2), "padding": (2, 2, 2, 2)},
        {"groups": 2},
        {"groups": 4, "channels": 4, "filters": 4, "stride": (2, 2)},
    ],
)
def test_an_unfolded_convolution_is_a_convolution(more: dict[str, Any]) -> None:
    sizes = {"input": (6, 5), "kernel": (3, 2), "channels": 2, "filters": 6} | more
    c = Convolution(name="c", **sizes)
    random = np.random.default_rng(1)
    maps = random.integers(-9, 9, (2, c.channels, *c.input))
    kernels = random.integers(-9, 9, (c.filters, c.channels // c.groups, *c.kernel))
    a, b = unfold_maps(c, maps), unfold_kernels(c, kernels)
    layer = c.layer()
    assert a.shape == (2, layer.count, layer.m, layer.k) and b.shape[2] == layer.n
    for image in (0, 1):
        results = (a[image] @ b).transpose(0, 2, 1).reshape(c.filters, -1)
        assert np.array_equal(results, direct(c, maps[image], kernels).reshape(c.filters, -1))


def test_the_shipped_digits_are_the_network_in_integers() -> None:
    """Inputs of each layer follow from those of the one before; most images are recognised."""
    tensors, quantisation = read_tensors("digits", DIGITS), Quantisation.shipped()
    inputs = [np.load(FOLDER / f"{layer.name}.inputs.npy") for layer in DIGITS]
    weights = [np.load(FOLDER / f"{layer.name}.weights.npy") for layer in DIGITS]
    found, sums = run_digits(DIGITS, inputs[0], weights, quantisation.shifts)
    for stored, computed in zip(inputs, found, strict=True):
        assert np.array_equal(stored, computed)
    last = tensors.operands(2)
    assert np.array_equal(sums, (last.a @ last.b).reshape(len(sums), -1))
    right = np.mean(sums.argmax(axis=1) == quantisation.labels)
    assert right >= 0.9 and quantisation.test_accuracy > 0.95
    with pytest.raises(ValueError, match="2 shifts for 2 layers"):
        run_digits(DIGITS[:2], inputs[0], weights[:2], quantisation.shifts)


def test_activations_by_hand() -> None:
    # 5 / 4 = 1.25, 6 / 4 = 1.5 is rounded up, 1000 / 4 is beyond 127.
    assert activations(np.array([-9, 5, 6, 1000]), 2).tolist() == [0, 1, 2, 127]
    assert activations(np.array([7]), 0).tolist() == [7]


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 7), st.integers(1, 5))
def test_all_tiles_make_the_products(count: int, m: int, n: int, k: int) -> None:
    random, contract = np.random.default_rng(m), array(2, 3)
    a = random.integers(-128, 128, (1, count, m, k))
    b = random.integers(-128, 128, (1, count, k, n))
    tiles = draw_tiles(Operands(a=a, b=b), contract, "g")
    rows, columns = -(-m // 2), -(-n // 3)
    assert len(tiles.a) == tiles.total == count * rows * columns
    results = (tiles.a @ tiles.b).reshape(count, rows, columns, 2, 3)
    results = results.transpose(0, 1, 3, 2, 4).reshape(count, 2 * rows, 3 * columns)
    assert np.array_equal(results[:, :m, :n], (a @ b)[0])
    assert not results[:, m:].any() and not results[:, :, n:].any()
    assert tiles.padding_factor == pytest.approx(rows * 2 * columns * 3 / (m * n))


def test_the_standard_error_of_a_mean_by_hand() -> None:
    a, b = np.zeros((4, 2, 5), int), np.zeros((4, 5, 2), int)
    # 4 of 16 tiles with a deviation of 6 J: 6 / sqrt(4) * sqrt(3 / 4) J, shared by 20 MACs each.
    drawn = Tiles(a=a, b=b, total=16, macs=16 * 20)
    assert drawn.mean_error_j(6.0) == pytest.approx(3 * math.sqrt(0.75) / 20)
    assert Tiles(a=a, b=b, total=4, macs=80).mean_error_j(6.0) == 0


def test_of_a_large_layer_a_sample_is_drawn() -> None:
    deep = Operands(a=np.ones((1, 1, 99, 600), int), b=np.ones((1, 1, 600, 2), int))
    tiles = draw_tiles(deep, array(), "g")
    assert (len(tiles.a), tiles.total) == (LEAST_TILES, 25)
    many = Operands(a=np.arange(4000).reshape(1, 1, 4000, 1) % 100, b=np.ones((1, 1, 1, 9), int))
    first, second = (draw_tiles(many, array(), "g") for _ in range(2))
    assert first.total == 3000 and len(first.a) == MOST_STEPS
    assert np.array_equal(first.a, second.a)  # the same sample for each operating point


def test_batches_share_weights(tmp_path: Path) -> None:
    layer, random = Layer(name="g/1", kind="gemm", m=2, n=3, k=4), np.random.default_rng(1)
    inputs, weights = random.integers(-9, 9, (4, 2, 4)), random.integers(-9, 9, (4, 3))
    np.save(tmp_path / "g_1.inputs.npy", inputs)
    np.save(tmp_path / "g_1.weights.npy", weights)
    operands = read_tensors(str(tmp_path), [layer.batched(2)], 2).operands(0)
    assert np.array_equal(operands.a, inputs.reshape(2, 1, 4, 4))
    assert np.array_equal(operands.b, weights[None, None])
    with pytest.raises(DesignError, match="4 inputs, which are no whole number of batches of 3"):
        read_tensors(str(tmp_path), [layer.batched(3)], 3)


def test_both_operands_of_a_matmul_have_inputs(tmp_path: Path) -> None:
    layer, random = Layer(name="s", kind="matmul", m=2, n=3, k=4, count=5), np.random.default_rng(1)
    inputs, others = random.integers(0, 9, (6, 5, 2, 4)), random.integers(0, 9, (6, 5, 4, 3))
    np.save(tmp_path / "s.inputs.npy", inputs)
    np.save(tmp_path / "s.weights.npy", others)
    operands = read_tensors(str(tmp_path), [layer.batched(2)], 2).operands(0)
    expected = (inputs @ others).reshape(3, 10, 2, 3)
    assert np.array_equal(operands.a @ operands.b, expected)
    np.save(tmp_path / "s.weights.npy", others[:4])
    with pytest.raises(DesignError, match=r"s.weights.npy has 4 inputs .* has 6"):
        read_tensors(str(tmp_path), [layer.batched(2)], 2)


LAYERS = "name,m,n,k\ng,4,3,5\n"
Spoil = Callable[[Path], object]


def spoiled(name: str, values: Any) -> Spoil:
    return lambda folder: np.save(folder / name, values, allow_pickle=True)


def several(folder: Path) -> None:
    np.savez(folder / "several.npz", a=1)
    (folder / "several.npz").rename(folder / "g.inputs.npy")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "g.inputs.npy").unlink(), "g.inputs.npy cannot be read: No such"),
        (spoiled("g.inputs.npy", np.ones((4, 6), int)), "shape (4, 6); the layer needs (N, 1, 4,"),
        (spoiled("g.weights.npy", np.ones((3, 5), int)), "shape (3, 5); the layer needs (1, 5, 3)"),
        (spoiled("g.weights.npy", np.ones((5, 3))), "has no integers but float64; quantise"),
        (spoiled("g.weights.npy", np.ones((5, 3), bool)), "has no integers but bool"),
        (spoiled("g.inputs.npy", np.array([{}], object)), "is no NumPy file of numbers"),
        (lambda folder: (folder / "g.inputs.npy").write_text("1,2"), "is no NumPy file of numbers"),
        (lambda folder: (folder / "g.inputs.npy").write_bytes(b""), "is no NumPy file of numbers"),
        (several, "g.inputs.npy has several arrays"),
        (
            spoiled("g.inputs.npy", np.full((4, 5), 128)),
            "from 128 to 128, and the array's",
        ),
        (spoiled("g.inputs.npy", np.full((0, 1, 4, 5), 1)), "is empty"),
        (
            spoiled("g.inputs.npy", np.full((4, 5), 2**63, np.uint64)),
            "has 9223372036854775808, which no",
        ),
    ],
)
def test_bad_tensors_are_one_line(
    spoil: Spoil,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And nothing is measured before."""
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "store"))
    (tmp_path / "net.csv").write_text(LAYERS)
    np.save(tmp_path / "g.inputs.npy", np.ones((4, 5), int))
    np.save(tmp_path / "g.weights.npy", np.ones((5, 3), int))
    spoil(tmp_path)
    words = ["map", str(tmp_path / "net.csv"), "--measure", "--tensors", str(tmp_path)]
    assert main(words) == 2
    out, error = capsys.readouterr()
    assert message in error and error.count("\n") == 1 and not out
    assert not (tmp_path / "store" / "stages").exists()


def test_wrong_words_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chip = tmp_path / "chip.toml"
    parts = '[parts.a]\nblock = "mac_array"\n[application]\n'
    for words, text, message in [
        (["map", "digits", "--tensors", "digits"], "", "--tensors needs a measured part"),
        (["map", "digits", "--measure", "--tensors", "x"], "", "tensors 'x': no such folder"),
        (["map", "ds_cnn", "--measure", "--tensors", "digits"], "", "conv.inputs.npy cannot be"),
        (["chip", str(chip)], 'operations = {a = 1}\ntensors = "digits"', "belong to a network"),
        (["chip", str(chip)], 'network = "digits"\ntensors = 1', "tensors=1 must be a name"),
        (["chip", str(chip)], 'network = "digits"\ntensors = "x"', "no such folder"),
    ]:
        chip.write_text(parts + text)
        assert main(words) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1, error


def test_sums_that_wrap_are_refused() -> None:
    operands = Operands(a=np.full((1, 1, 1, 9), 127), b=np.full((1, 1, 9, 1), 127))
    with pytest.raises(DesignError, match="sums of layer 'g' are from 0 to 145161"):
        draw_tiles(operands, array(accumulator_bits=16), "g")
    draw_tiles(operands, array(accumulator_bits=19), "g")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": np.ones((2, 4, 8), int)}, "has no array 'b'"),
        (
            {"a": np.ones((2, 4, 7), int), "b": np.ones((2, 8, 4), int)},
            "has the shape (2, 4, 7)",
        ),
        ({"a": np.ones((2, 4, 8)), "b": np.ones((2, 8, 4), int)}, "'a' has no integers but float"),
        ({"a": np.ones((2, 4, 8), int), "b": np.full((2, 8, 4), 200)}, "from 200 to 200, beyond"),
        ({"a": np.full((2, 4, 8), None), "b": np.ones((2, 8, 4), int)}, "is no NumPy file"),
    ],
)
def test_a_wrong_file_of_operands_is_refused(
    values: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """Before a simulator runs: the block states its cycles first."""
    np.savez(tmp_path / "tiles.npz", allow_pickle=True, **values)
    workload = MacArrayWorkload(values=str(tmp_path / "tiles.npz"), length=16, depth=8)
    with pytest.raises(ValueError) as error:
        BLOCKS["mac_array"].cycles(MacArrayParameters(), workload)
    assert message in str(error.value)


METRICS = {
    "block_power_w": 3e-3,
    "block_leakage_power_w": 1e-3,
    "block_throughput_ops_per_s": 1e9,  # a constant of 2 pJ per MAC
    "clock_frequency_hz": 1e8,
    "block_area_m2": 1e-8,
    "block_core_area_m2": 0.0,
    "library_temperature_c": 25.0,
}


def test_energies_of_layers_by_hand() -> None:
    layers = (
        Layer(name="first", kind="gemm", m=4, n=4, k=10),
        Layer(name="second", kind="gemm", m=4, n=4, k=30),
    )
    metrics = METRICS | {LAYER_ENERGY.format(0): 1e-12, LAYER_ENERGY.format(1): 4e-12}
    result = map_network(Network(name="n", layers=layers), metrics=metrics)
    first, second = result["layers"]
    assert first["tile_energy_j"] == pytest.approx(160e-12)
    assert first["constant_tile_error_frac"] == pytest.approx(1)
    assert second["constant_tile_error_frac"] == pytest.approx(-0.5)
    totals = result["totals"]
    assert totals["tile_energy_j"] == pytest.approx(160e-12 + 480 * 4e-12)
    assert totals["constant_tile_j"] == pytest.approx(640 * 2e-12)
    assert totals["mac_energy_j"] == pytest.approx(2080e-12 / 640)
    assert totals["constant_tile_error_frac"] == pytest.approx(1280 / 2080 - 1)
    missed = (1280e-12 - 2080e-12) / totals["energy_j"]
    assert totals["constant_energy_error_frac"] == pytest.approx(missed)
    plain = map_network(Network(name="n", layers=layers), metrics=METRICS)
    assert "constant_tile_error_frac" not in plain["totals"]

    # The same chip composed as arrays, twice: one energy per layer and chip.
    doubled = metrics | {LAYER_ENERGY.format(at): 2 * x for at, x in enumerate((1e-12, 4e-12))}
    points = tuple(
        PartPoint(settings={}, metrics=values, contract=array(4, 4))
        for values in (metrics, doubled)
    )
    table = compose_chosen(
        [MeasuredPart(name="p", counts=(1,), points=points)],
        [None],
        [None],
        Task(layers=LayerColumns.of(layers)),
        ChipChoices(
            point={"p": np.array([0, 1])},
            count={"p": np.ones(2, int)},
            buffer=np.zeros(2, int),
            outer=np.zeros(2, int),
        ),
    )
    assert table.energies_j["tile"] == pytest.approx([2080e-12, 4160e-12])
    assert table.constant_tile_j == pytest.approx([1280e-12, 1280e-12])
    assert table.energy_j[0] == pytest.approx(totals["energy_j"])


def test_a_repeated_convolution_needs_a_line_each() -> None:
    conv = dataclasses.replace(DIGITS[0].convolution, count=2).layer()  # type: ignore[type-var]
    with pytest.raises(DesignError, match="write each repetition as a layer of its own"):
        read_tensors("digits", [conv])
