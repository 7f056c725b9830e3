"""Networks from ONNX files: Conv, Gemm and MatMul become layers, all else is counted and listed.

Needs the optional package `onnx`, whose shape inference gives the sizes between operators. An input
whose leading axis has no size is taken as a batch of one.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from chipdse.application.layers import Convolution, Layer, Network
from chipdse.application.tables import same_padding
from chipdse.errors import DesignError
from chipdse.reading import check_exist

Shapes = dict[str, tuple[int, ...]]
_FREE = ("Constant", "Identity")  # no work in hardware, so not worth a line


def read_onnx(path: Path) -> Network:
    """The layers of an ONNX file, in its order.

    Raises
    ------
    DesignError : `onnx` is not installed, the file is no ONNX model, or a size is not known
    """
    check_exist(path)
    try:
        import onnx
    except ImportError:
        raise DesignError(
            f"{path} needs the package onnx: pip install onnx, or write a CSV table"
        ) from None
    try:
        model = onnx.load(str(path), load_external_data=False)
        _fix_batch(model.graph)
        model = onnx.shape_inference.infer_shapes(model)
    except Exception as error:  # the parser's own kinds are not documented
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DesignError(f"{path} is not an ONNX model: {reason}") from None
    graph = model.graph
    if not graph.node:
        raise DesignError(f"{path} is not an ONNX model with operators; its graph is empty")
    shapes = _shapes(graph)
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    layers: list[Layer] = []
    unmapped: Counter[str] = Counter()
    for number, node in enumerate(graph.node):
        layer = _layer(node, shapes, constants, node.name or f"{node.op_type}_{number}", path)
        if layer is not None:
            layers.append(layer)
        elif node.op_type not in _FREE:
            unmapped[node.op_type] += 1
    if not layers:
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(unmapped.items()))
        raise DesignError(
            f"{path} has no operator that can be mapped (Conv, Gemm, MatMul); it has {listed}"
        )
    return Network(name=path.stem, layers=tuple(layers), unmapped=tuple(sorted(unmapped.items())))


def _fix_batch(graph: Any) -> None:
    """Set the leading axis of inputs to 1 where its size is open: a batch of one."""
    for value in graph.input:
        sizes = value.type.tensor_type.shape.dim
        if sizes and not sizes[0].HasField("dim_value"):
            sizes[0].dim_value = 1


def _shapes(graph: Any) -> Shapes:
    """Sizes of every tensor whose sizes are all known."""
    shapes: Shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        sizes = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(s.HasField("dim_value") for s in sizes):
            shapes[value.name] = tuple(size.dim_value for size in sizes)
    return shapes


def _layer(node: Any, shapes: Shapes, constants: set[str], name: str, path: Path) -> Layer | None:
    """The layer of an operator; None if it is of another kind."""
    makers = {"Conv": _conv, "Gemm": _gemm, "MatMul": _matmul}
    if node.op_type not in makers or node.domain not in ("", "ai.onnx"):
        return None
    operands = list(node.input[:2])
    for tensor in operands:
        if tensor not in shapes:
            raise DesignError(
                f"{path}: operator {name!r} reads {tensor!r}, whose size is not known; export the "
                "model with fixed sizes"
            )
    attributes = {a.name: _value(a) for a in node.attribute}
    first, second = (shapes[tensor] for tensor in operands)
    try:
        return makers[node.op_type](name, first, second, attributes, operands[1] in constants)
    except DesignError as error:
        raise DesignError(f"{path}: {error}") from None
    except (ValueError, IndexError, TypeError):
        raise DesignError(
            f"{path}: operator {name!r} has operands of sizes {first} and {second}, which are no "
            f"operands of {node.op_type}"
        ) from None


def _value(attribute: Any) -> Any:
    import onnx

    value = onnx.helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value


def _conv(
    name: str,
    image: tuple[int, ...],
    weights: tuple[int, ...],
    attributes: dict[str, Any],
    is_constant: bool,
) -> Layer:
    """A convolution over one or two axes; a single axis is the width of a map of height 1."""
    if len(image) not in (3, 4):
        raise DesignError(
            f"operator {name!r} convolves {len(image) - 2} axes; 1 or 2 can be mapped"
        )
    flat = len(image) == 3
    batch, channels, *sizes = image
    filters, depth, *kernel = weights
    axes = len(sizes)
    if depth * attributes.get("group", 1) != channels or len(kernel) != axes:
        raise ValueError("weights of other channels or axes")
    stride = list(attributes.get("strides", [1] * axes))
    dilation = list(attributes.get("dilations", [1] * axes))
    pads = list(attributes.get("pads", [0] * 2 * axes))
    if flat:
        sizes, kernel = [1, *sizes], [1, *kernel]
        stride, dilation, pads = [1, *stride], [1, *dilation], [0, pads[0], 0, pads[1]]
    padding = (pads[0], pads[1], pads[2], pads[3])
    pair = [(values[0], values[1]) for values in (sizes, kernel, stride, dilation)]
    auto = attributes.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        padding = same_padding(*pair, larger_last=auto == "SAME_UPPER")
    convolution = Convolution(
        name=name,
        input=pair[0],
        kernel=pair[1],
        stride=pair[2],
        dilation=pair[3],
        padding=padding,
        channels=channels,
        filters=filters,
        groups=attributes.get("group", 1),
    )
    return convolution.layer().batched(batch)


def _gemm(
    name: str,
    first: tuple[int, ...],
    second: tuple[int, ...],
    attributes: dict[str, Any],
    is_constant: bool,
) -> Layer:
    m, k = reversed(first) if attributes.get("transA", 0) else first
    depth, n = reversed(second) if attributes.get("transB", 0) else second
    if depth != k:
        raise ValueError("products of other depths")
    return Layer(name=name, kind="gemm" if is_constant else "matmul", m=m, n=n, k=k)


def _matmul(
    name: str,
    first: tuple[int, ...],
    second: tuple[int, ...],
    attributes: dict[str, Any],
    is_constant: bool,
) -> Layer:
    """Products over the leading axes: rows of one product where B is the same for all of them."""
    left = first if len(first) > 1 else (1, *first)
    right = second if len(second) > 1 else (*second, 1)
    m, k, n = left[-2], left[-1], right[-1]
    if right[-2] != k:
        raise ValueError("products of other depths")
    if math.prod(right[:-2]) == 1:
        m, count = m * math.prod(left[:-2]), 1
    else:
        leading = max(len(left), len(right)) - 2
        axes = [(1,) * (leading + 2 - len(shape)) + shape[:-2] for shape in (left, right)]
        if any(a != b and 1 not in (a, b) for a, b in zip(*axes, strict=True)):
            raise ValueError("leading axes that do not go together")
        count = math.prod(max(a, b) for a, b in zip(*axes, strict=True))
    return Layer(name=name, kind="gemm" if is_constant else "matmul", m=m, n=n, k=k, count=count)
