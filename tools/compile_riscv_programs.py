"""Compile the C programs of `chipdse_hdl.riscv` to the ELF files that ship with it.

    python tools/compile_riscv_programs.py [--to FOLDER]

Needs a RISC-V compiler with a library of RV32E: sudo apt-get install gcc-riscv64-unknown-elf
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

PROGRAMS = Path(__file__).parents[1] / "hdl" / "chipdse_hdl" / "riscv" / "programs"
COMPILER = "riscv64-unknown-elf-gcc"
# RV32E runs on cores with 16 and with 32 registers. Loops stay loops: no memcpy is linked.
OPTIONS = (
    "-march=rv32e",
    "-mabi=ilp32e",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffreestanding",
    "-fno-tree-loop-distribute-patterns",
    "-nostartfiles",
    "-nostdlib",
    "-static",
    *(
        "-Wl,--build-id=none",
        "-Wl,--no-warn-rwx-segments",
        "-Wl,--strip-debug",
        "-Wl,-z,max-page-size=4",
    ),
)


def compile_all(folder: Path) -> list[Path]:
    """Compile each program to an ELF file of its name in a folder."""
    written = []
    for source in sorted(PROGRAMS.glob("*.c")):
        target = folder / f"{source.stem}.elf"
        script = ["-T", "link.ld", "start.S", source.name, "-lgcc", "-o", str(target.absolute())]
        subprocess.run([COMPILER, *OPTIONS, *script], cwd=PROGRAMS, check=True)
        written.append(target)
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=PROGRAMS, help="folder; default where they ship")
    for path in compile_all(parser.parse_args().to):
        print(f"{path}: {path.stat().st_size} bytes")
