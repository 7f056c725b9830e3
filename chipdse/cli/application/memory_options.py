"""Options of `map` that describe the memories of a network's part."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING

from chipdse.errors import DesignError
from chipdse.units import parse_quantity

if TYPE_CHECKING:
    from chipdse.api.application import MemoryChoice

_BYTES = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6}


def memory_options(memory: argparse._ArgumentGroup) -> None:
    """Declare the options that describe buffer, DRAM and the link between them."""
    memory.add_argument("--buffer", metavar="BYTES", help="on-chip SRAM, e.g. 64KiB")
    memory.add_argument("--buffer-family", metavar="FAMILY", help="family of the SRAM macros")
    memory.add_argument("--dram", metavar="KIND", help="ddr5, lpddr5x, gddr6, hbm2e, hbm3, ...")
    memory.add_argument(
        "--dram-units", type=int, default=1, help="number of modules, channels or stacks"
    )
    memory.add_argument("--dram-energy", metavar="J", help="energy per bit of the DRAM, e.g. 6pJ")
    memory.add_argument(
        "--dram-bandwidth", metavar="B/s", help="bandwidth of all units together, e.g. 10GB/s"
    )
    memory.add_argument("--dram-idle", metavar="W", help="idle power of the DRAM, e.g. 50mW")
    memory.add_argument(
        "--link-energy", metavar="J", help="energy per bit of the link to the DRAM, e.g. 0.5pJ"
    )
    memory.add_argument(
        "--link-bandwidth", metavar="B/s", help="bandwidth of the link to the DRAM, e.g. 64GB/s"
    )
    memory.add_argument(
        "--output-bits",
        type=int,
        metavar="N",
        help="width of the results in the memories; default that of the operands",
    )


def memories_of(arguments: argparse.Namespace) -> MemoryChoice:
    from chipdse.api.application import MemoryChoice

    def option_value(name: str, unit: str, factor: float = 1.0) -> float | None:
        text = getattr(arguments, name)
        option = f"--{name.replace('_', '-')}"
        return None if text is None else positive_quantity(text, unit, option) * factor

    return MemoryChoice(
        buffer_bytes=None if arguments.buffer is None else parse_bytes(arguments.buffer),
        family=arguments.buffer_family,
        dram=arguments.dram,
        dram_units=arguments.dram_units,
        dram_energy_j_per_bit=option_value("dram_energy", "J"),
        dram_bandwidth_bits_per_s=option_value("dram_bandwidth", "B/s", 8.0),
        dram_idle_w=option_value("dram_idle", "W"),
        link_j_per_bit=option_value("link_energy", "J") or 0.0,
        link_bits_per_s=option_value("link_bandwidth", "B/s", 8.0) or math.inf,
        output_bits=arguments.output_bits,
    )


def parse_bytes(text: str) -> int:
    """Bytes of a size such as 65536, 64KiB or 1MiB.

    Raises
    ------
    DesignError : it is no size
    """
    match = re.fullmatch(r"(\d{1,15})\s*([A-Za-z]*)", text.strip())
    if match is None or match[2] not in _BYTES or int(match[1]) == 0:
        raise DesignError(f"--buffer {text!r} is not a number of bytes; write e.g. 64KiB")
    return int(match[1]) * _BYTES[match[2]]


def positive_quantity(text: str, unit: str, option: str) -> float:
    value = parse_quantity(text, unit, option)
    if value <= 0:
        raise DesignError(f"{option} {text!r} must be above 0")
    return value
