"""The table `[program]` of a description of Verilog: a RISC-V core that runs ELF files.

[program]
default = "quicksort"                # that ships, or a file beside the description
registers = "REGISTERS"              # of the core; a number or an expression of parameters
start_at_entry = false               # the core starts at the file's entry; else at address 0
memory_bytes = 65536                 # from address 0

The workload has a field `program`; `instructions`, `loads` and `stores` are numbers of the run that
expressions of work and cycles may use.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Record, file_parameter, named_file
from chipdse_hdl.riscv.program import MEMORY_BYTES, PROGRAMS, Execution, run_elf

from chipdse.blocks.expressions import Expression

KEYS = ("default", "registers", "start_at_entry", "memory_bytes")
NUMBERS = ("instructions", "loads", "stores")
SHIPPED = tuple(sorted(path.stem for path in PROGRAMS.glob("*.elf")))


@dataclass(frozen=True, kw_only=True)
class ProgramTable:
    """How a core runs programs.

    default : name of a program that ships, or the path of an ELF file
    registers : of the core; an expression of its parameters
    """

    default: str
    registers: Expression
    start_at_entry: bool = False
    memory_bytes: int = MEMORY_BYTES

    def field(self) -> Any:
        """The field `program` of the workload."""
        return file_parameter(
            self.default,
            "program that ships, or a static ELF file of RV32I or RV32E",
            suffix=".elf",
            folder=PROGRAMS,
        )

    def execution(self, workload: Record) -> Execution:
        """What the program of a workload does.

        Raises
        ------
        ValueError : it cannot be read, or run to its end
        """
        return run_elf(_program(workload), self.memory_bytes, self.start_at_entry)

    def numbers(self, parameters: Record, workload: Record) -> dict[str, int]:
        """The numbers of a run, by `NUMBERS`.

        Raises
        ------
        ValueError : as of `execution`, or the program uses registers that the core has not
        """
        done = self.execution(workload)
        registers = int(self.registers.value(vars(parameters), "program.registers"))
        done.check_registers(registers, Path(vars(workload)["program"]).name)
        return {
            "instructions": len(done.steps),
            "loads": sum(step.read is not None for step in done.steps),
            "stores": sum(step.write is not None for step in done.steps),
        }


def _program(workload: Record) -> Path:
    """File of the program that a workload names."""
    path = named_file(workload, "program")
    assert path is not None  # the field accepts no other text
    return path


def default_program(name: str, folder: Path) -> str:
    """A program's name, or its path if it is a file beside the description."""
    return str(folder / name) if name.endswith(".elf") else name


def fields_of(table: ProgramTable | None) -> dict[str, Any]:
    """What the table adds to the fields of the workload."""
    return {} if table is None else {"program": table.field()}


def names_of(record: type) -> list[str]:
    """Fields of a record that expressions may use: those that name no file."""
    return [field.name for field in dataclasses.fields(record) if "suffix" not in field.metadata]
