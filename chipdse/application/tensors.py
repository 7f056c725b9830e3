"""Tensors of a network: the operands of its layers, from NumPy files in a folder.

A layer NAME has the files ``NAME.inputs.npy`` and ``NAME.weights.npy``, integers of any width;
characters of NAME other than letters, digits, ``.``, ``_`` and ``-`` are ``_``. The first axis of
the inputs counts inputs of the network (images), of which there may be several batches:

========= ================================== =====================================
kind      inputs                             weights
========= ================================== =====================================
conv      [input, channel, height, width]    [filter, channel of group, height, width]
gemm      [input, product, row, step]        [product, step, column]
matmul    [input, product, row, step]        [input, product, step, column]
========= ================================== =====================================

The axis of products may be left out where there is one, and also that of inputs for a GEMM.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.application.digits import FOLDER
from chipdse.application.layers import Layer
from chipdse.application.unfold import unfold_kernels, unfold_maps
from chipdse.arrays import Int64s
from chipdse.errors import DesignError

SHIPPED = {"digits": FOLDER}
"""Folders of tensors that ship, by the name of their network."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Operands:
    """A layer's products C = A @ B, for each batch of the tensors.

    a : [batch, product, row, step]
    b : [batch, product, step, column]; one batch of it stands for all where it is of weights
    """

    a: Int64s
    b: Int64s


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """The operands of every layer of a network, in files whose sizes were checked.

    layers : with their batch
    batch : inputs of the network at once
    """

    folder: Path
    layers: tuple[Layer, ...]
    batch: int

    @cached_property
    def files(self) -> dict[str, Path]:
        """The files by their names, in the order of the layers."""
        paths = [path for layer in self.layers for path in _paths(self.folder, layer)]
        return {path.name: path for path in paths}

    def operands(self, at: int) -> Operands:
        """The operands of one layer.

        Raises
        ------
        DesignError : a file has changed or cannot be read any more
        """
        layer = self.layers[at]
        inputs, weights = (_load(path, mapped=False) for path in _paths(self.folder, layer))
        a, b = _as_products(layer, self.batch, inputs, weights, self.folder)
        return Operands(a=a.astype(np.int64), b=b.astype(np.int64))


def read_tensors(name: str, layers: Sequence[Layer], batch: int = 1, folder: str = "") -> Tensors:
    """Tensors by the name of a shipped network or the path of a folder.

    Parameters
    ----------
    layers : with their batch
    folder : where a relative path starts

    Raises
    ------
    DesignError : a file is missing, has no integers or another shape than the layer
    """
    root = SHIPPED[name] if name in SHIPPED else Path(folder) / name
    if not root.is_dir():
        raise DesignError(
            f"tensors {name!r}: no such folder; name a folder with NAME.inputs.npy and "
            f"NAME.weights.npy of each layer, or {', '.join(SHIPPED)}"
        )
    names = [_file_name(layer.name) for layer in layers]
    for layer_name in names:
        if names.count(layer_name) > 1:
            raise DesignError(f"tensors: two layers are named {layer_name!r}; rename one")
    tensors = Tensors(folder=root, layers=tuple(layers), batch=batch)
    for layer in layers:
        inputs, weights = (_load(path, mapped=True) for path in _paths(root, layer))
        _check_shapes(layer, batch, inputs, weights, root)
    return tensors


def _paths(folder: Path, layer: Layer) -> tuple[Path, Path]:
    name = _file_name(layer.name)
    return folder / f"{name}.inputs.npy", folder / f"{name}.weights.npy"


def _file_name(layer: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", layer)


def _load(path: Path, *, mapped: bool) -> np.ndarray[Any, Any]:
    """The array of a file; `mapped`: only its head is read."""
    try:
        array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except OSError as error:
        raise DesignError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, TypeError, SyntaxError, zipfile.BadZipFile):
        raise DesignError(
            f"{path} is no NumPy file of numbers; write it with numpy.save, without objects"
        ) from None
    if not isinstance(array, np.ndarray):
        raise DesignError(f"{path} has several arrays; write one array with numpy.save")
    if not np.issubdtype(array.dtype, np.integer):
        raise DesignError(f"{path} has no integers but {array.dtype}; quantise the tensor first")
    if array.size == 0:
        raise DesignError(f"{path} is empty; its shape is {array.shape}")
    if not mapped and array.dtype == np.uint64 and array.max() >= 2**63:
        raise DesignError(f"{path} has {array.max()}, which no operand can be; use fewer bits")
    return array


def _one_input(layer: Layer, batch: int) -> tuple[int, int, int, int]:
    """Products, rows, steps and columns of a layer for one input of the network."""
    if layer.kind == "matmul":
        return layer.count // batch, layer.m, layer.k, layer.n
    return layer.count, layer.m // batch, layer.k, layer.n


def _check_shapes(
    layer: Layer,
    batch: int,
    inputs: np.ndarray[Any, Any],
    weights: np.ndarray[Any, Any],
    folder: Path,
) -> None:
    convolution, paths = layer.convolution, _paths(folder, layer)
    count, m, k, n = _one_input(layer, batch)
    if convolution is not None:
        if convolution.count > 1:
            raise DesignError(
                f"tensors: layer {layer.name!r} is repeated {convolution.count} times; write each "
                "repetition as a layer of its own"
            )
        c = convolution
        _check_shape(paths[0], inputs, [("N", c.channels, *c.input)])
        _check_shape(paths[1], weights, [(c.filters, c.channels // c.groups, *c.kernel)])
    else:
        single = [("N", m, k), (m, k)] if count == 1 else []
        columns = [(k, n)] if count == 1 else []
        if layer.kind == "matmul":
            _check_shape(paths[0], inputs, [("N", count, m, k), *single[:1]])
            _check_shape(
                paths[1], weights, [("N", count, k, n), *([("N", k, n)] if count == 1 else [])]
            )
            if len(inputs) != len(weights):
                raise DesignError(
                    f"{paths[1]} has {len(weights)} inputs and {paths[0].name} has {len(inputs)}; "
                    "give both as many"
                )
        else:
            _check_shape(paths[0], inputs, [("N", count, m, k), *single])
            _check_shape(paths[1], weights, [(count, k, n), *columns])
    number = _inputs_in(layer, inputs, m, k)
    if number % batch:
        raise DesignError(
            f"{paths[0]} has {number} inputs, which are no whole number of batches of {batch}"
        )


def _inputs_in(layer: Layer, inputs: np.ndarray[Any, Any], m: int, k: int) -> int:
    """How many inputs of the network the first tensor of a layer has."""
    is_one = layer.convolution is None and inputs.shape == (m, k)
    return 1 if is_one else len(inputs)


def _check_shape(
    path: Path, array: np.ndarray[Any, Any], shapes: Sequence[tuple[int | str, ...]]
) -> None:
    """Refuse an array of none of the shapes; "N" stands for any number."""
    for shape in shapes:
        if len(shape) == array.ndim and all(
            wanted in ("N", length) for wanted, length in zip(shape, array.shape, strict=True)
        ):
            return
    texts = [f"({', '.join(map(str, shape))})" for shape in shapes]
    raise DesignError(
        f"{path} has the shape {array.shape}; the layer needs {' or '.join(texts)}"
        f"{', N inputs' if 'N' in shapes[0] else ''}"
    )


def _as_products(
    layer: Layer,
    batch: int,
    inputs: np.ndarray[Any, Any],
    weights: np.ndarray[Any, Any],
    folder: Path,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A[batch, product, row, step] and B[batch, product, step, column]."""
    _check_shapes(layer, batch, inputs, weights, folder)
    if layer.convolution is not None:
        rows = unfold_maps(layer.convolution, inputs)
        return _batched(rows, batch), unfold_kernels(layer.convolution, weights)[None]
    count, m, k, n = _one_input(layer, batch)
    number = _inputs_in(layer, inputs, m, k)
    rows = inputs.reshape(number, count, m, k)
    if layer.kind == "matmul":
        shape = (number // batch, batch * count)
        return rows.reshape(*shape, m, k), weights.reshape(*shape, k, n)
    return _batched(rows, batch), weights.reshape(1, count, k, n)


def _batched(rows: np.ndarray[Any, Any], batch: int) -> np.ndarray[Any, Any]:
    """The rows of the inputs of a batch one below another: [batch, product, row, step]."""
    number, count, m, k = rows.shape
    grouped = rows.reshape(number // batch, batch, count, m, k).transpose(0, 2, 1, 3, 4)
    return grouped.reshape(number // batch, count, batch * m, k)
