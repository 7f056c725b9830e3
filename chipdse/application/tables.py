"""Layer tables: networks as CSV files, and those that ship.

A table has one layer per line. A GEMM has the columns `m, n, k`; a convolution has
`input_height, input_width, kernel_height, kernel_width, channels, filters` and may have `stride,
padding, dilation, groups`. Both may have `name, kind, count`. Topology files of SCALE-Sim are read
with its column names, its final comma, and its number of outputs: a last step that goes beyond the
input counts.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from chipdse.application.layers import Convolution, Layer, Network
from chipdse.errors import DesignError
from chipdse.reading import read_text

_GEMM = ("m", "n", "k")
_CONVOLUTION = (
    "input_height",
    "input_width",
    "kernel_height",
    "kernel_width",
    "channels",
    "filters",
)
_CONVOLUTION_MORE = ("stride", "padding", "dilation", "groups")
_COLUMNS = ("name", "kind", "count", *_GEMM, *_CONVOLUTION, *_CONVOLUTION_MORE)
_OTHER_NAMES = {
    "layer": "name",
    "layer_name": "name",
    "ifmap_height": "input_height",
    "ifmap_width": "input_width",
    "filter_height": "kernel_height",
    "filter_width": "kernel_width",
    "num_filter": "filters",
    "num_filters": "filters",
    "strides": "stride",
}
KINDS = ("gemm", "matmul", "conv", "depthwise")


@cache
def shipped_networks() -> tuple[str, ...]:
    """Names of the networks whose tables ship."""
    folder = resources.files("chipdse.application") / "networks"
    files = (path.name for path in folder.iterdir())
    return tuple(sorted(name.removesuffix(".csv") for name in files if name.endswith(".csv")))


def read_network(name: str) -> Network:
    """A network by the name of a shipped table, or the path of a CSV or ONNX file.

    Raises
    ------
    DesignError : no such network, or a mistake in its file, with the line
    """
    if name.endswith(".onnx"):
        from chipdse.application.onnx_file import read_onnx

        return read_onnx(Path(name))
    if name.endswith(".csv"):
        return read_table(read_text(Path(name)), Path(name).stem, name)
    if name not in shipped_networks():
        raise DesignError(
            f"network {name!r} is unknown; use the path of a .csv or .onnx file, or one of "
            f"{', '.join(shipped_networks())}"
        )
    file = resources.files("chipdse.application") / "networks" / f"{name}.csv"
    return read_table(file.read_text(encoding="utf-8"), name, f"{name}.csv")


def read_table(text: str, name: str, where: str) -> Network:
    """The network of a layer table.

    Parameters
    ----------
    where : the file, for messages

    Raises
    ------
    DesignError : the table or one of its lines is wrong
    """
    lines = [line if not line.startswith("#") else "" for line in text.splitlines()]
    try:
        rows = list(enumerate(csv.reader(io.StringIO("\n".join(lines))), 1))
    except csv.Error as error:
        raise DesignError(f"{where} is not a CSV file: {error}") from None
    filled = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    if len(filled) < 2:
        raise DesignError(
            f"{where} has no layers; write a header such as name,m,n,k and one line per layer"
        )
    (_, header), *body = filled
    columns = _columns(header, where)
    rounds_up = any(cell.strip().lower() == "ifmap height" for cell in header)
    layers = [_layer(columns, row, f"{where} line {line}", rounds_up) for line, row in body]
    return Network(name=name, layers=tuple(layers))


def _columns(header: list[str], where: str) -> list[str]:
    """Our name of each column; "" for the empty one after a final comma."""
    names = [re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in header]
    names = [_OTHER_NAMES.get(name, name) for name in names]
    for name, cell in zip(names, header, strict=True):
        if name and name not in _COLUMNS:
            raise DesignError(
                f"{where}: column {cell.strip()!r} is unknown; use {', '.join(_COLUMNS)}"
            )
        if name and names.count(name) > 1:
            raise DesignError(f"{where}: column {name!r} is there twice; remove one")
    depthwise = set(_CONVOLUTION) - {"filters"}
    if not set(_GEMM) <= set(names) and not depthwise <= set(names):
        raise DesignError(
            f"{where} needs the columns {', '.join(_GEMM)} of GEMMs or "
            f"{', '.join(_CONVOLUTION)} of convolutions"
        )
    return names


def _layer(columns: list[str], row: list[str], where: str, rounds_up: bool) -> Layer:
    if len([cell for cell in row[len(columns) :] if cell.strip()]):
        raise DesignError(f"{where} has {len(row)} cells for {len(columns)} columns")
    cells = {
        name: cell.strip()
        for name, cell in zip(columns, row, strict=False)
        if name and cell.strip()
    }
    is_gemm = "channels" not in columns or not set(_GEMM).isdisjoint(cells)
    kind = cells.get("kind", "gemm" if is_gemm else "conv").lower()
    if kind not in KINDS:
        raise DesignError(f"{where}: kind {kind!r} is unknown; use one of {', '.join(KINDS)}")
    name = cells.get("name", where.rpartition(" ")[2])
    try:
        if kind in ("gemm", "matmul"):
            return _gemm(cells, name, kind, where)
        convolution = _convolution(cells, name, kind, where)
        return (rounded_up(convolution) if rounds_up else convolution).layer()
    except DesignError as error:
        message = str(error)
        raise DesignError(message if message.startswith(where) else f"{where}: {message}") from None


def _gemm(cells: Mapping[str, str], name: str, kind: str, where: str) -> Layer:
    _check_cells(cells, _GEMM, (), kind, where)
    m, n, k = (_integer(cells, column, where) for column in _GEMM)
    return Layer(name=name, kind=kind, m=m, n=n, k=k, count=_integer(cells, "count", where, 1))


def _convolution(cells: Mapping[str, str], name: str, kind: str, where: str) -> Convolution:
    needed = tuple(c for c in _CONVOLUTION if kind == "conv" or c != "filters")
    _check_cells(cells, needed, (*_CONVOLUTION_MORE, "filters"), kind, where)
    channels = _integer(cells, "channels", where)
    depthwise = kind == "depthwise"
    kernel = (_integer(cells, "kernel_height", where), _integer(cells, "kernel_width", where))
    inputs = (_integer(cells, "input_height", where), _integer(cells, "input_width", where))
    stride, dilation = (_pair(cells, column, where) for column in ("stride", "dilation"))
    return Convolution(
        name=name,
        input=inputs,
        kernel=kernel,
        channels=channels,
        filters=_integer(cells, "filters", where, channels if depthwise else None),
        stride=stride,
        dilation=dilation,
        padding=_padding(cells, inputs, kernel, stride, dilation, where),
        groups=_integer(cells, "groups", where, channels if depthwise else 1),
        count=_integer(cells, "count", where, 1),
    )


def rounded_up(convolution: Convolution) -> Convolution:
    """The convolution with rows and columns added below and right until its last step fits."""
    c = convolution
    above, left, below, right = c.padding
    added = []
    for axis in (0, 1):
        padded = c.input[axis] + c.padding[axis] + c.padding[axis + 2]
        beyond = padded - (c.kernel[axis] - 1) * c.dilation[axis] - 1
        added.append(-beyond % c.stride[axis] if beyond > 0 else 0)
    return dataclasses.replace(c, padding=(above, left, below + added[0], right + added[1]))


def _check_cells(
    cells: Mapping[str, str],
    needed: tuple[str, ...],
    further: tuple[str, ...],
    kind: str,
    where: str,
) -> None:
    for column in needed:
        if column not in cells:
            raise DesignError(f"{where}: a layer of kind {kind} needs {column}; fill that cell")
    for column in cells:
        if column not in (*needed, *further, "name", "kind", "count"):
            raise DesignError(f"{where}: a layer of kind {kind} has no {column}; empty that cell")


def _integer(cells: Mapping[str, str], column: str, where: str, default: int | None = None) -> int:
    text = cells.get(column, "" if default is None else str(default))
    if not re.fullmatch(r"\+?\d{1,12}", text):
        raise DesignError(f"{where}: {column}={text!r} is not a whole number above 0")
    value = int(text)
    if value < 1:
        raise DesignError(f"{where}: {column}={text!r} is not a whole number above 0")
    return value


def _pair(cells: Mapping[str, str], column: str, where: str) -> tuple[int, int]:
    """Height and width from ``2`` or ``2x1``."""
    match = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", cells.get(column, "1"))
    if match is None or int(match[1]) < 1 or int(match[2] or 1) < 1:
        raise DesignError(
            f"{where}: {column}={cells[column]!r} is not a whole number above 0, or two as in 2x1"
        )
    return int(match[1]), int(match[2] or match[1])


def same_padding(
    inputs: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    *,
    larger_last: bool = True,
) -> tuple[int, int, int, int]:
    """Padding with which there are ``ceil(input / stride)`` outputs: above, left, below, right.

    Parameters
    ----------
    inputs, kernel, stride, dilation : rows and columns
    larger_last : an odd row or column is padded below or right, not above or left
    """
    first: Callable[[int], int] = (lambda n: n // 2) if larger_last else (lambda n: n - n // 2)
    totals = []
    for axis in (0, 1):
        outputs = -(-inputs[axis] // stride[axis])
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        totals.append(max((outputs - 1) * stride[axis] + reach - inputs[axis], 0))
    above, left = first(totals[0]), first(totals[1])
    return above, left, totals[0] - above, totals[1] - left


def _padding(
    cells: Mapping[str, str],
    inputs: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    where: str,
) -> tuple[int, int, int, int]:
    text = cells.get("padding", "0").lower()
    if text == "same":
        return same_padding(inputs, kernel, stride, dilation)
    if text == "valid":
        return 0, 0, 0, 0
    match = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text)
    if match is None:
        raise DesignError(
            f"{where}: padding={text!r} is not a number of rows and columns on each side; use e.g. "
            "1, 1x0, same or valid"
        )
    rows, columns = int(match[1]), int(match[2] or match[1])
    return rows, columns, rows, columns
