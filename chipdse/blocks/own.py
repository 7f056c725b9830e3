"""The user's own blocks: the data that they have in addition to the record of every block."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from chipdse_hdl.block import Block, Record, Work, check_parameters, parameter

from chipdse.blocks.verilog_files import included_files
from chipdse.errors import DesignError

RANDOM_BENCH = "chipdse.blocks.bench_random"
_SOURCE = "src_loc_at"
"""Argument with which Amaranth locates the source of a component; it is not a parameter."""
SCALARS = (bool, int, float, str)


@dataclass(frozen=True, kw_only=True)
class OwnBlock(Block):
    """A block of the user, as `chipdse.design.find_block` returns it.

    It is pickled as its reference, from which a worker process imports it again.

    folder : where the reference is looked up
    find : the function that finds it, by its reference and that folder
    clock, reset : names of the ports in a description of Verilog; None if there is no reset
    reset_level : level at which the reset is active
    verilog : source files that are read instead of `hardware`
    """

    folder: str
    find: Callable[[str, str], Block]
    clock: str = "clk"
    reset: str | None = "rst"
    reset_level: int = 1
    verilog: VerilogSource | None = None

    def __reduce__(self) -> tuple[Callable[..., Block], tuple[str, str]]:
        return self.find, (self.name, self.folder)

    @property
    def is_checked(self) -> bool:
        """Whether the block has a bench that compares its outputs with a reference."""
        return bool(self.bench != RANDOM_BENCH)


@dataclass(frozen=True, kw_only=True)
class VerilogSource:
    """Verilog or SystemVerilog files and the way to read them.

    defines : macros, as the command line of a compiler takes them: name and value
    reader : "yosys", "slang", or "auto": slang for files that Yosys's own reader refuses
    """

    sources: tuple[Path, ...]
    include: tuple[Path, ...]
    defines: tuple[tuple[str, str], ...]
    top: str
    reader: str = "auto"

    @property
    def included(self) -> list[Path]:
        """The files that these files may include or read."""
        return self.named(())

    def named(self, texts: Iterable[str]) -> list[Path]:
        """The files that these files may include or read if the top has these texts as
        parameters."""
        macros = (value for _, value in self.defines)
        return included_files(self.sources, self.include, (*macros, *texts))


def is_checked(block: Block) -> bool:
    """Whether a block's bench compares its outputs with a reference."""
    return not isinstance(block, OwnBlock) or block.is_checked


def make_record_type(
    name: str, fields: Mapping[str, Any], check: Callable[[Any], None]
) -> type[Record]:
    """A frozen record type from fields made with `parameter`; `check` is called with every new
    record."""

    def check_all(record: Record) -> None:
        check_parameters(record)
        check(record)

    return dataclasses.make_dataclass(
        name,
        [(field, Any, definition) for field, definition in fields.items()],
        frozen=True,
        kw_only=True,
        namespace={"__post_init__": check_all},
    )


def nothing_to_check(record: Record) -> None:
    """Check that accepts every record: the fields have no rule between them."""


RandomWorkload = make_record_type(
    "RandomWorkload",
    {
        "length": parameter(1000, "clock cycles of random inputs", minimum=1, maximum=10**7),
        "seed": parameter(1, "of the random inputs", minimum=0, maximum=2**32 - 1),
    },
    nothing_to_check,
)


class _OfLength(Record, Protocol):
    """A workload with a number of clock cycles, such as `RandomWorkload`."""

    @property
    def length(self) -> int: ...


def random_cycles(parameters: Record, workload: _OfLength) -> int:
    """Clock cycles of a random workload."""
    return workload.length


def component_block(
    reference: str,
    folder: Path,
    make: Callable[..., Any],
    find: Callable[[str, str], Block],
) -> Block:
    """A block from a component class or factory: its arguments become the parameters.

    There is no bench: random words drive every input and nothing is compared.
    """

    from chipdse.blocks.components import component_ports  # with Amaranth, as the component

    def hardware(parameters: Record) -> Any:
        return make(**vars(parameters))

    @functools.cache
    def port_bits(parameters: Record) -> dict[str, int]:
        bits = {"in": 0, "out": 0}
        for port in component_ports(lambda: hardware(parameters)):
            bits[port.direction] += port.bits
        return bits

    def work(parameters: Record, workload: _OfLength) -> Work:
        bits = port_bits(parameters)
        return Work(
            count=workload.length,
            unit="clock cycle",
            input_bits=workload.length * bits["in"],
            output_bits=workload.length * bits["out"],
        )

    docs = _own_docs(make)
    summary = (docs or "no description").splitlines()[0]
    hardware.__doc__ = docs
    return OwnBlock(
        name=reference,
        summary=f"{summary.rstrip('.')} (no bench: random inputs, nothing is checked)",
        parameters=make_record_type(
            "Parameters", _constructor_fields(reference, make), nothing_to_check
        ),
        workload=RandomWorkload,
        hardware=hardware,
        bench=RANDOM_BENCH,
        work=work,
        cycles=random_cycles,
        folder=str(folder),
        find=find,
    )


def _own_docs(make: Callable[..., Any]) -> str:
    """The docstring of `make` itself; `inspect.getdoc` could return that of a base class."""
    return inspect.cleandoc(make.__doc__ or "")


def _constructor_fields(reference: str, make: Callable[..., Any]) -> dict[str, Any]:
    """A parameter for each argument that accepts a number, a text or true/false."""
    fields: dict[str, Any] = {}
    docs = _own_docs(make)
    for name, argument in _arguments(make).items():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD) or name == _SOURCE:
            continue
        needed = argument.default is argument.empty
        kind = _kind_of(argument)
        if argument.kind is argument.POSITIONAL_ONLY or kind is None:
            if needed:
                raise DesignError(
                    f"{reference}: argument {name!r} is no number, text or true/false; name a "
                    "function whose arguments are, and which returns the component"
                )
            continue  # such an argument keeps its default
        doc = _argument_doc(docs, name)
        field = parameter(dataclasses.MISSING if needed else argument.default, doc)
        fields[name] = dataclasses.field(
            default=field.default, metadata={**field.metadata, "kind": kind}
        )
    return fields


def _arguments(make: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The arguments of a callable by name.

    Those of a class are the arguments of its nearest ``__init__``: Python 3.11.2 takes a
    ``__new__`` of a distant base instead, and Amaranth's components have one.
    """
    if not isinstance(make, type):
        return dict(inspect.signature(make).parameters)
    constructor = next(vars(kind)["__init__"] for kind in make.__mro__ if "__init__" in vars(kind))
    if constructor is object.__init__:
        return {}
    _itself, *arguments = inspect.signature(constructor).parameters.values()
    return {argument.name: argument for argument in arguments}


def _kind_of(argument: inspect.Parameter) -> type | None:
    """Type of an argument's values: its default's, else its annotation's; int if unknown."""
    if argument.default is not argument.empty:
        return type(argument.default) if type(argument.default) in SCALARS else None
    named = {kind.__name__: kind for kind in SCALARS} | {kind: kind for kind in SCALARS}
    if argument.annotation is argument.empty:
        return int
    return named.get(argument.annotation)


def _argument_doc(text: str, name: str) -> str:
    """The first line of an argument's description in a docstring in NumPy's style."""
    match = re.search(rf"^{re.escape(name)}\s*:[^\n]*\n[ \t]+(\S[^\n]*)", text, re.MULTILINE)
    return match[1].strip() if match else "argument of its constructor"
