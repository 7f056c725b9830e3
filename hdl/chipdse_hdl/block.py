"""What a block is, so that it can be listed, simulated and swept: one record per block.

Nothing here imports Amaranth: a bench and a reference need the records, not the hardware.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from chipdse_hdl.contract import ArrayContract
    from chipdse_hdl.side_channel import Operation


class Record(Protocol):
    """A parameter or workload record of a block: any frozen dataclass.

    A function of a block, as `Block.work`, takes the block's own records, whose types differ from
    block to block; code for every block reads a record by `dataclasses.fields` only.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __hash__(self) -> int: ...


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


def file_parameter(
    default: str,
    doc: str,
    *,
    suffix: str,
    folder: Path | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field that names a file by its path, which ends with `suffix`.

    Results depend on the file's content. A relative path starts in the current folder, and in a
    sweep file in the folder of that file.

    Parameters
    ----------
    folder : of files that are named without folder and suffix
    choices : texts that name no file
    """
    shipped = () if folder is None else sorted(path.stem for path in folder.glob(f"*{suffix}"))
    field = parameter(default, doc, choices=(*choices, *shipped))
    metadata = {**field.metadata, "suffix": suffix, "folder": folder, "shipped": tuple(shipped)}
    return dataclasses.field(default=default, metadata=metadata)


def file_of(metadata: Mapping[str, Any], value: Any) -> Path | None:
    """The file that a field's value names; None if it names none."""
    if value in metadata.get("shipped", ()):
        return Path(metadata["folder"] / f"{value}{metadata['suffix']}")
    return Path(value) if is_file_name(metadata, value) else None


def named_file(record: Record, name: str) -> Path | None:
    """The file that a field of a record names; None if it names none."""
    metadata = next(f.metadata for f in dataclasses.fields(record) if f.name == name)
    return file_of(metadata, getattr(record, name))


def named_files(record: Record) -> dict[str, Path]:
    """The files that a record names, by field."""
    named = {field.name: named_file(record, field.name) for field in dataclasses.fields(record)}
    return {name: path for name, path in named.items() if path is not None}


def is_file_name(metadata: Mapping[str, Any], value: Any) -> bool:
    """Whether a field's value is the path of a file."""
    suffix = metadata.get("suffix")
    return suffix is not None and isinstance(value, str) and value.endswith(suffix)


def seed_parameter(what: str) -> Any:
    """The field `seed` of a workload: the same seed makes the same workload."""
    return parameter(1, f"of the random {what}", minimum=0, maximum=2**32 - 1)


def index_bits(count: int) -> int:
    """Bits of a number from 0 to `count` - 1: the logarithm to base 2, rounded up."""
    return (count - 1).bit_length()


def check_parameters(record: Record) -> None:
    """Raise ValueError for the first field of a record outside the range it declares."""
    for field in dataclasses.fields(record):
        value, metadata = getattr(record, field.name), field.metadata
        kind = metadata.get("kind") or type(field.default)
        right_type = type(value) is kind or (kind is float and type(value) is int)
        if not right_type:
            raise ValueError(f"{field.name}={value!r} must be of type {kind.__name__}")
        is_file = is_file_name(metadata, value)
        if metadata["choices"] is not None and value not in metadata["choices"] and not is_file:
            options = ", ".join(map(repr, metadata["choices"]))
            files = f" and does not end with {metadata['suffix']}" if "suffix" in metadata else ""
            raise ValueError(f"{field.name}={value!r} is not one of {options}{files}")
        if is_file and not Path(value).is_file():
            raise ValueError(f"{field.name}={value!r} does not exist; name a file by its path")
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
class Hardware:
    """The class of a component by its name, imported with Amaranth when it is first needed.

    A bench needs only the block's reference, and a design with stored RTL only the block's record.
    Importing Amaranth would take a quarter of the time in which such programs start.

    module, name : where the class is defined
    """

    module: str
    name: str

    def __call__(self, parameters: Record) -> Any:
        """The component of a parameter record."""
        return self.component(parameters)

    @property
    def component(self) -> Callable[[Any], Any]:
        """The class itself."""
        component: Callable[[Any], Any] = getattr(importlib.import_module(self.module), self.name)
        return component

    def attribute(self, name: str) -> Any:
        """The class as an attribute of the block's package; AttributeError for other names."""
        if name != self.name:
            package = self.module.rpartition(".")[0]
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return self.component


def component_of(hardware: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The callable that makes a block's component: a `Hardware`'s class, or what is given."""
    return hardware.component if isinstance(hardware, Hardware) else hardware


def definition_of(hardware: Callable[[Any], Any]) -> tuple[str, str]:
    """Module and name of what makes a block's component; nothing is imported."""
    if isinstance(hardware, Hardware):
        return hardware.module, hardware.name
    return hardware.__module__, hardware.__qualname__


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of hardware and everything needed to explore it.

    name : as the command line and sweep files call it
    summary : one line
    parameters, workload : frozen records whose fields are made with `parameter`
    hardware : from a parameter record to an Amaranth component: the class, or a `Hardware`
    bench : the cocotb test module, importable by name
    work : useful work of a workload on a parameter record
    cycles : clock cycles a workload takes, roughly: to choose a simulator before running it
    reads : files and folders on which results depend although Python does not open them, for
        example those that a program opens which the bench runs; relative to the folder of the
        module that defines the hardware
    environment : names of environment variables of that kind
    contract : from a parameter record to what a mapper of networks may rely on, a record of
        `chipdse_hdl.contract`; None: the block carries no network
    tile_workload : from the path of a NumPy file, a number of tiles and their depth to the workload
        that runs these tiles one after another; the file has the integers a[tile, row, step] and
        b[tile, step, column]; None: energies cannot follow the data of a layer
    operation : from a parameter record to one operation on secret data, a record of
        `chipdse_hdl.side_channel`; None: the block is not meant for tests of side channels
    """

    name: str
    summary: str
    parameters: type[Record]
    workload: type[Record]
    hardware: Callable[[Any], Any]
    bench: str
    work: Callable[[Any, Any], Work]
    cycles: Callable[[Any, Any], int]
    reads: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    contract: Callable[[Any], ArrayContract] | None = None
    tile_workload: Callable[[str, int, int], Record] | None = None
    operation: Callable[[Any], Operation] | None = None
