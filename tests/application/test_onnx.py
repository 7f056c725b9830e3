"""ONNX files made with the package `onnx`: which operators become layers, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chipdse.application.layers import Layer
from chipdse.application.tables import read_network
from chipdse.errors import DesignError

onnx = pytest.importorskip("onnx", reason="the optional package onnx is not installed")
helper, FLOAT = onnx.helper, 1


def write(
    path: Path,
    nodes: list[object],
    inputs: dict[str, list[object]],
    weights: dict[str, list[int]],
    output: str,
) -> str:
    """A model file; weights have sizes and no values."""
    tensors = [
        onnx.TensorProto(name=name, dims=dims, data_type=FLOAT) for name, dims in weights.items()
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(name, FLOAT, dims) for name, dims in inputs.items()],
        [helper.make_tensor_value_info(output, FLOAT, None)],
        initializer=tensors,
    )
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return str(path)


def shape(layer: Layer) -> tuple[str, int, int, int, int]:
    return layer.kind, layer.m, layer.n, layer.k, layer.count


def test_operators_by_hand(tmp_path: Path) -> None:
    nodes = [
        helper.make_node(
            "Conv", ["x", "w1"], ["a"], name="first", strides=[2, 2], pads=[1, 1, 1, 1]
        ),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "w2"], ["c"], group=8, auto_pad="SAME_UPPER"),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("GlobalAveragePool", ["d"], ["e"]),
        helper.make_node("Flatten", ["e"], ["f"]),
        helper.make_node("Gemm", ["f", "w3"], ["y"], transB=1),
    ]
    weights = {"w1": [8, 3, 3, 3], "w2": [8, 1, 3, 3], "w3": [10, 8]}
    inputs: dict[str, list[object]] = {"x": ["batch", 3, 16, 16]}
    network = read_network(write(tmp_path / "net.onnx", nodes, inputs, weights, "y"))
    assert [shape(layer) for layer in network.layers] == [
        ("conv", 64, 8, 27, 1),
        ("conv", 64, 1, 9, 8),
        ("gemm", 1, 10, 8, 1),
    ]
    assert network.layers[0].name == "first"
    assert network.unmapped == (("Flatten", 1), ("GlobalAveragePool", 1), ("Relu", 2))


def test_matrix_products_by_hand(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"]),  # weights: rows of one product
        helper.make_node("MatMul", ["h", "t"], ["y"]),  # attention: one product per head
    ]
    inputs: dict[str, list[object]] = {
        "x": [2, 5, 16],
        "h": [2, 4, 5, 8],
        "t": [1, 4, 8, 5],
    }
    network = read_network(write(tmp_path / "net.onnx", nodes, inputs, {"w": [16, 32]}, "y"))
    assert [shape(layer) for layer in network.layers] == [
        ("gemm", 10, 32, 16, 1),
        ("matmul", 5, 5, 8, 8),
    ]


def test_one_dimensional_convolution(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], strides=[2], pads=[1, 0])]
    inputs: dict[str, list[object]] = {"x": [1, 3, 9]}
    network = read_network(write(tmp_path / "net.onnx", nodes, inputs, {"w": [4, 3, 2]}, "y"))
    assert [shape(layer) for layer in network.layers] == [("conv", 5, 4, 6, 1)]


@pytest.mark.parametrize(
    ("kind", "x", "w"),
    [
        ("MatMul", [2, 5, 16], [17, 32]),
        ("MatMul", [2, 5, 16], [3, 16, 32]),
        ("Gemm", [5, 16], [15, 4]),
        ("Conv", [1, 3, 9, 9], [4, 2, 3, 3]),
        ("Conv", [1, 3, 9, 9], [4, 3, 3]),
    ],
)
def test_operands_that_do_not_go_together_are_refused(
    kind: str, x: list[object], w: list[int], tmp_path: Path
) -> None:
    nodes = [helper.make_node(kind, ["x", "w"], ["y"], name="bad")]
    path = write(tmp_path / "net.onnx", nodes, {"x": x}, {"w": w}, "y")
    with pytest.raises(DesignError) as error:
        read_network(path)
    assert "bad" in str(error.value) and "\n" not in str(error.value)


def test_layers_without_bias_and_operators_that_are_unknown(tmp_path: Path) -> None:
    """A grouped convolution with stride and dilation, Gemm with B transposed, others counted."""
    nodes = [
        helper.make_node(
            "Conv", ["x", "k"], ["a"], strides=[2, 1], dilations=[1, 2], group=2, pads=[1, 0, 0, 2]
        ),
        helper.make_node("Mystery", ["a"], ["b"]),
        helper.make_node("Gemm", ["g", "w"], ["y"], transA=1, transB=1),
    ]
    inputs: dict[str, list[object]] = {"x": [3, 4, 9, 10], "g": [24, 7]}
    network = read_network(
        write(tmp_path / "net.onnx", nodes, inputs, {"k": [6, 2, 3, 3], "w": [5, 24]}, "y")
    )
    # (9 + 1 - 3) / 2 + 1 = 4 rows; 10 + 2 - 5 + 1 = 8 columns; three images of 32 positions.
    assert [shape(layer) for layer in network.layers] == [
        ("conv", 96, 3, 18, 2),
        ("gemm", 7, 5, 24, 1),
    ]
    assert network.unmapped == (("Mystery", 1),)


def test_unknown_sizes_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    inputs: dict[str, list[object]] = {"x": [1, "tokens", 16]}
    path = write(tmp_path / "net.onnx", nodes, inputs, {"w": [16, 32]}, "y")
    with pytest.raises(DesignError, match="reads 'x', whose size is not known"):
        read_network(path)


def test_a_model_without_layers_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 4]}, {}, "y")
    with pytest.raises(DesignError, match="no operator that can be mapped.*it has 1 Relu"):
        read_network(path)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x07\x12\x04abcd"])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(DesignError, match="is not an ONNX model") as error:
        read_network(str(path))
    assert "\n" not in str(error.value)


def test_without_the_package_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(DesignError, match="pip install onnx"):
        read_network(str(path))
