"""The program of a workload as a bench gets it: by name or as the path of an ELF file."""

from __future__ import annotations

from pathlib import Path

from chipdse_hdl.riscv.program import MEMORY_BYTES, PROGRAMS, Execution, run_elf


def named_program(
    name: str, memory_bytes: int = MEMORY_BYTES, start_at_entry: bool = False
) -> Execution:
    """What a program does on the model.

    Parameters
    ----------
    name : of a program that ships, or a path that ends in ``.elf``
    memory_bytes, start_at_entry : as of `chipdse_hdl.riscv.program.run_elf`

    Raises
    ------
    ValueError : it cannot be read, or run to its end
    """
    path = Path(name) if name.endswith(".elf") else PROGRAMS / f"{name}.elf"
    return run_elf(path, memory_bytes, start_at_entry)
