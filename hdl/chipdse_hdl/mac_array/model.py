"""Reference of `mac_array`; operands, useful work and clock cycles of a workload."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.mac_array.parameters import MacArrayParameters, MacArrayWorkload
from chipdse_hdl.workloads.operands import spread


def operands(
    parameters: MacArrayParameters, workload: MacArrayWorkload
) -> tuple[np.ndarray, np.ndarray]:
    """A[product, row, step] and B[product, step, column] of a workload, as int64.

    Raises
    ------
    ValueError : the workload's file has no such operands
    """
    products, depth = workload.products, workload.depth
    if workload.file is not None:
        return (
            _stored(workload.file, "a", (products, parameters.rows, depth), parameters),
            _stored(workload.file, "b", (products, depth, parameters.columns), parameters),
        )
    random = np.random.default_rng(workload.seed)

    def draw(*shape: int) -> np.ndarray:
        return spread(random, workload.values, parameters.operand_bits, parameters.signed, shape)

    a = draw(products, parameters.rows, depth)
    b = draw(products, depth, parameters.columns)
    a[random.random(a.shape) < workload.sparsity] = 0
    return a, b


def _stored(
    file: Path, name: str, shape: tuple[int, ...], parameters: MacArrayParameters
) -> np.ndarray:
    """An array of a file, of this shape and within the range of an operand."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            array = arrays[name]
    except KeyError:
        raise ValueError(f"{file} has no array {name!r}; store the arrays a and b") from None
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile):
        raise ValueError(f"{file} is no NumPy file with the arrays a and b") from None
    if array.shape != shape:
        raise ValueError(
            f"{file}: array {name!r} has the shape {array.shape}, not {shape}; use length = "
            "products * depth, and rows and columns of the array"
        )
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{file}: array {name!r} has no integers but {array.dtype}")
    lowest = -(2 ** (parameters.operand_bits - 1)) if parameters.signed else 0
    highest = lowest + 2**parameters.operand_bits - 1
    if array.min() < lowest or array.max() > highest:
        raise ValueError(
            f"{file}: array {name!r} has values from {array.min()} to {array.max()}, beyond the "
            f"operands' {lowest} to {highest}; use another operand_bits or signed"
        )
    return array.astype(np.int64)


def reference(parameters: MacArrayParameters, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What the hardware must output: A @ B, wrapped to `accumulator_bits`."""
    exact = a.astype(np.int64) @ b.astype(np.int64)
    modulus = 1 << parameters.accumulator_bits
    wrapped = exact & (modulus - 1)
    if parameters.signed:
        wrapped = np.where(wrapped >= modulus // 2, wrapped - modulus, wrapped)
    return wrapped


def work(parameters: MacArrayParameters, workload: MacArrayWorkload) -> Work:
    """One MAC is one multiplication and one addition, also when an operand is zero."""
    results = workload.products * parameters.rows * parameters.columns
    return Work(
        count=results * workload.depth,
        unit="MAC",
        input_bits=workload.length
        * (parameters.rows + parameters.columns)
        * parameters.operand_bits,
        output_bits=results * parameters.accumulator_bits,
    )


def tile_workload(file: str, products: int, depth: int) -> MacArrayWorkload:
    """The workload that forms the products of a file."""
    return MacArrayWorkload(values=file, length=products * depth, depth=depth)


def cycles(parameters: MacArrayParameters, workload: MacArrayWorkload) -> int:
    """Clock cycles from the first operand to the last element of the last product.

    Raises
    ------
    ValueError : the workload's file has no operands for this array
    """
    if workload.file is not None:
        operands(parameters, workload)
    interval = parameters.interval_cycles(workload.depth)
    return (workload.products - 1) * interval + workload.depth + parameters.last_latency_cycles
