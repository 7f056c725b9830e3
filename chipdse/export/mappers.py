"""Energy and area of a measured part and its memories as the tables of other mappers.

Accelergy's energy and area reference tables (format 0.4), which Timeloop reads, and the description
of an accelerator for ZigZag (3.x). Both count energy in pJ; areas are in µm².
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from chipdse.application.memories import Buffer, Dram
from chipdse.application.parts import Chip, Part
from chipdse.errors import DesignError

PJ, UM2 = 1e-12, 1e-12
VERSION = "0.4"
"""Of Accelergy's tables."""
TOP = "system_top_level"
"""The name that Timeloop gives to the outermost container of an architecture."""
_STORAGE = ("read", "write", "update")
_PORTS = {"read": ("tl", "th"), "write": ("fh", "fl")}


def mapper_files(chip: Chip, what: str) -> dict[str, str]:
    """The files by their path in a folder.

    Parameters
    ----------
    chip : a measured part with an outer memory
    what : the part in words, for the head of each file

    Raises
    ------
    DesignError : the part is not measured, or there is no outer memory
    """
    if math.isnan(chip.part.mac_j):
        raise DesignError("the part is not measured; add --measure, or --study with a point of it")
    if chip.outer is None:
        raise DesignError("a mapper needs an outer memory; name one, e.g. --dram hbm2e")
    head = f"# {what}\n"
    dataflow = "# Rows are output positions (OX), columns are filters (K); sums stay.\n"
    return {
        "accelergy/ERT.yaml": head + _accelergy_notes(chip) + yaml_text(_energies(chip)),
        "accelergy/ART.yaml": head + "# Areas in µm².\n" + yaml_text(_areas(chip)),
        "zigzag/accelerator.yaml": head + _zigzag_notes(chip) + yaml_text(_accelerator(chip)),
        "zigzag/mapping.yaml": head + dataflow + yaml_text(_mapping(chip.part)),
    }


def elements(part: Part) -> int:
    """Multiply-accumulate elements of all copies of a part."""
    return part.contract.rows * part.contract.columns * part.copies


def element_leakage_j(part: Part) -> float:
    """Leakage of one element in a clock cycle."""
    return part.leakage_w * part.copies / elements(part) / part.clock_hz


def _accelergy_notes(chip: Chip) -> str:
    bits = chip.part.contract.operand_bits
    idle = "" if _idle_known(chip) else "# Idle power of the DRAM is not known: leak is 0.\n"
    return (
        "# Energies in pJ: of a multiply-accumulate with its registers and clock; of an access of\n"
        f"# {bits} bits, one operand; of leakage and idle clock in a clock cycle of "
        f"{1 / chip.part.clock_hz:.6g} s.\n{idle}"
    )


def _zigzag_notes(chip: Chip) -> str:
    part = chip.part
    leak_pj = element_leakage_j(part) / PJ
    return (
        "# Energies in pJ, areas in µm². ZigZag has no leakage: an element leaks "
        f"{leak_pj:.6g} pJ\n# in a clock cycle of {1 / part.clock_hz:.6g} s. The registers of sums "
        "are part of unit_energy and unit_area.\n"
    )


def _idle_known(chip: Chip) -> bool:
    return chip.outer is not None and not math.isnan(chip.outer.idle_w)


def _energies(chip: Chip) -> dict[str, Any]:
    """Accelergy's energy reference table."""
    part, bits = chip.part, chip.part.contract.operand_bits
    tables = [
        _actions(
            f"mac[1..{elements(part)}]",
            {"compute": part.mac_j, "leak": element_leakage_j(part)},
        )
    ]
    if chip.buffer is not None:
        read_j, write_j = (
            bits * chip.buffer.read_j_per_bit,
            bits * chip.buffer.write_j_per_bit,
        )
        idle_j = chip.buffer.leakage_w / part.clock_hz + chip.buffer.idle_j_per_cycle
        joules = dict(zip(_STORAGE, (read_j, write_j, write_j), strict=True))
        tables.append(_actions("buffer[1..1]", joules | {"leak": idle_j}))
    if chip.outer is not None:
        access_j = bits * (chip.outer.energy_j_per_bit + chip.link_j_per_bit)
        idle_j = chip.outer.idle_w / part.clock_hz if _idle_known(chip) else 0.0
        tables.append(_actions("dram[1..1]", dict.fromkeys(_STORAGE, access_j) | {"leak": idle_j}))
    return {"ERT": {"version": VERSION, "tables": tables}}


def _actions(name: str, joules: Mapping[str, float]) -> dict[str, Any]:
    actions = [
        {"name": action, "arguments": {}, "energy": energy_j / PJ}
        for action, energy_j in joules.items()
    ]
    return {"name": f"{TOP}.{name}", "actions": actions}


def _areas(chip: Chip) -> dict[str, Any]:
    """Accelergy's area reference table; the DRAM is another chip."""
    part = chip.part
    areas_m2 = {f"mac[1..{elements(part)}]": part.area_m2 * part.copies / elements(part)}
    if chip.buffer is not None:
        areas_m2["buffer[1..1]"] = chip.buffer.area_m2
    tables = [
        {"name": f"{TOP}.{name}", "area": area_m2 / UM2} for name, area_m2 in areas_m2.items()
    ]
    return {"ART": {"version": VERSION, "tables": tables}}


def _dimensions(part: Part) -> dict[str, int]:
    """ZigZag's dimensions of the array: rows, columns, and copies if there are several."""
    sizes = (part.contract.rows, part.contract.columns, part.copies)
    return {f"D{n}": size for n, size in enumerate(sizes, 1) if n < 3 or size > 1}


def _accelerator(chip: Chip) -> dict[str, Any]:
    """ZigZag's description of the accelerator, memories from the array outwards."""
    part = chip.part
    contract, dimensions = part.contract, _dimensions(part)
    memories = {"accumulator": _accumulator(contract.result_bits)}
    if chip.buffer is not None:
        memories["buffer"] = _buffer(chip.buffer, contract.operand_bits, [*dimensions])
    assert chip.outer is not None
    memories["dram"] = _dram(chip.outer, chip, [*dimensions])
    return {
        "name": part.block,
        "memories": memories,
        "operational_array": {
            "input_precision": [contract.operand_bits, contract.operand_bits],
            "unit_energy": part.mac_j / PJ,
            "unit_area": part.area_m2 * part.copies / elements(part) / UM2,
            "dimensions": [*dimensions],
            "sizes": [*dimensions.values()],
        },
    }


def _accumulator(bits: int) -> dict[str, Any]:
    """The register of a sum in each element."""
    ports = [
        {
            "name": f"{kind[0]}_port_{number}",
            "type": kind,
            "bandwidth_min": bits,
            "bandwidth_max": bits,
            "allocation": [f"O, {direction}"],
        }
        for kind, directions in _PORTS.items()
        for number, direction in enumerate(directions, 1)
    ]
    return {
        "size": bits,
        "r_cost": 0.0,
        "w_cost": 0.0,
        "area": 0.0,
        "latency": 1,
        "operands": ["O"],
        "ports": ports,
        "served_dimensions": [],
    }


def _buffer(buffer: Buffer, operand_bits: int, dimensions: Sequence[str]) -> dict[str, Any]:
    width = int(buffer.bits_per_access)
    ports = _shared_ports(operand_bits, width)
    return {
        "size": int(buffer.bits),
        "r_cost": buffer.read_j_per_bit * width / PJ,
        "w_cost": buffer.write_j_per_bit * width / PJ,
        "area": buffer.area_m2 / UM2,
        "latency": 1,
        "operands": ["I1", "I2", "O"],
        "ports": ports,
        "served_dimensions": [*dimensions],
    }


def _dram(dram: Dram, chip: Chip, dimensions: Sequence[str]) -> dict[str, Any]:
    per_second = min(dram.bandwidth_bits_per_s, chip.link_bits_per_s)
    width = max(chip.part.contract.operand_bits, int(per_second / chip.part.clock_hz))
    access_pj = width * (dram.energy_j_per_bit + chip.link_j_per_bit) / PJ
    return {
        "size": DRAM_BITS,
        "r_cost": access_pj,
        "w_cost": access_pj,
        "area": 0.0,
        "latency": 1,
        "operands": ["I1", "I2", "O"],
        "ports": _shared_ports(chip.part.contract.operand_bits, width),
        "served_dimensions": [*dimensions],
    }


DRAM_BITS = 2**36
"""A size in which every layer fits; ZigZag asks for one."""


def _shared_ports(least_bits: int, most_bits: int) -> list[dict[str, Any]]:
    """A port for reads of all operands and one for writes."""
    operands = {"read": ("I1, tl", "I2, tl", "O, tl", "O, th"), "write": ("I1, fh", "I2, fh")}
    operands["write"] += ("O, fh", "O, fl")
    return [
        {
            "name": f"{kind[0]}_port_1",
            "type": kind,
            "bandwidth_min": least_bits,
            "bandwidth_max": most_bits,
            "allocation": [*allocation],
        }
        for kind, allocation in operands.items()
    ]


def _mapping(part: Part) -> list[dict[str, Any]]:
    """ZigZag's spatial mapping, for layers as its ONNX reader names their loops."""
    loops = dict(zip(("D1", "D2", "D3"), ("OX", "K", "OY"), strict=True))
    spatial = {name: [f"{loops[name]}, {size}"] for name, size in _dimensions(part).items()}
    return [
        {
            "name": "default",
            "spatial_mapping": spatial,
            "memory_operand_links": {"O": "O", "W": "I2", "I": "I1"},
        }
    ]


def yaml_text(value: Any, indent: int = 0) -> str:
    """Mappings, lists, texts and numbers as YAML in block style."""
    margin, lines = " " * indent, []
    if isinstance(value, Mapping):
        for key, inner in value.items():
            lines.append(f"{margin}{key}:{_inner(inner, indent + 2)}")
    else:
        for inner in value:
            text = _inner(inner, indent + 2)
            # The first key of a mapping stands behind the dash.
            lines.append(f"{margin}- {text.lstrip()}")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _inner(value: Any, indent: int) -> str:
    if isinstance(value, Mapping | list) and value:
        return f"\n{yaml_text(value, indent)}"
    return " {}" if isinstance(value, Mapping) else f" {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        mantissa, exponent, power = f"{value:.9g}".partition("e")
        return (mantissa if "." in mantissa else f"{mantissa}.0") + exponent + power
    return f'"{value}"' if isinstance(value, str) else str(value)
