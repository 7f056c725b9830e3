"""What a block is, so that it can be listed, simulated and swept: one record per block.

Nothing here imports Amaranth: a bench and a reference need the records, not the hardware.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def parameter(
    default: Any,
    doc: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[Any, ...] | None = None,
) -> Any:
    """A field of a parameter or workload record, with what people need to choose its value."""
    metadata = {"doc": doc, "minimum": minimum, "maximum": maximum, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


def seed_parameter(what: str) -> Any:
    """The field `seed` of a workload: the same seed makes the same workload."""
    return parameter(1, f"of the random {what}", minimum=0, maximum=2**32 - 1)


def index_bits(count: int) -> int:
    """Bits of a number from 0 to `count` - 1: the logarithm to base 2, rounded up."""
    return (count - 1).bit_length()


def check_parameters(record: Any) -> None:
    """Raise ValueError for the first field of a record outside the range it declares."""
    for field in dataclasses.fields(record):
        value, metadata = getattr(record, field.name), field.metadata
        kind = metadata.get("kind") or type(field.default)
        right_type = type(value) is kind or (kind is float and type(value) is int)
        if not right_type:
            raise ValueError(f"{field.name}={value!r} must be of type {kind.__name__}")
        if metadata["choices"] is not None and value not in metadata["choices"]:
            options = ", ".join(map(repr, metadata["choices"]))
            raise ValueError(f"{field.name}={value!r} is not one of {options}")
        if kind is float and not math.isfinite(value):
            raise ValueError(f"{field.name}={value!r} must be a finite number")
        if metadata["minimum"] is not None and value < metadata["minimum"]:
            raise ValueError(f"{field.name}={value!r} is too small; use >= {metadata['minimum']}")
        if metadata["maximum"] is not None and value > metadata["maximum"]:
            raise ValueError(f"{field.name}={value!r} is too large; use <= {metadata['maximum']}")


@dataclass(frozen=True, kw_only=True)
class Work:
    """The useful work of one workload run, the denominator of energy per operation.

    count : operations done
    unit : what one operation is, e.g. "MAC"
    input_bits, output_bits : data that crossed the block's ports for it
    """

    count: int
    unit: str
    input_bits: int
    output_bits: int


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of hardware and everything needed to explore it.

    name : as the command line and sweep files call it
    summary : one line
    parameters, workload : frozen records whose fields are made with `parameter`
    hardware : from a parameter record to an Amaranth component
    bench : the cocotb test module, importable by name
    work : useful work of a workload on a parameter record
    cycles : clock cycles a workload takes, roughly: to choose a simulator before running it
    reads : files (or folders) that results depend on though Python does not open them, as those of
        a program that it runs; relative to the folder of the module that defines the hardware
    environment : names of environment variables of that kind
    contract : from a parameter record to what a mapper of networks may rely on, a record of
        `chipdse_hdl.contract`; None: the block carries no network
    operation : from a parameter record to one operation on secret data, a record of
        `chipdse_hdl.side_channel`; None: the block is not meant for tests of side channels
    """

    name: str
    summary: str
    parameters: type
    workload: type
    hardware: Callable[[Any], Any]
    bench: str
    work: Callable[[Any, Any], Work]
    cycles: Callable[[Any, Any], int]
    reads: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    contract: Callable[[Any], Any] | None = None
    operation: Callable[[Any], Any] | None = None
