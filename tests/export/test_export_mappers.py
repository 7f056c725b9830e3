"""Tables for other mappers: their formats, their numbers, and ZigZag itself where it is there."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from chipdse_hdl.mac_array.contract import contract
from chipdse_hdl.mac_array.parameters import MacArrayParameters
from hypothesis import given
from hypothesis import strategies as st

from chipdse.api.application import MemoryChoice
from chipdse.api.mappers import export_mapper_tables
from chipdse.application.memories import dram, sram_buffer
from chipdse.application.parts import Chip, Part
from chipdse.errors import DesignError
from chipdse.export.mappers import mapper_files, yaml_text

PART = Part(
    block="mac_array",
    contract=contract(MacArrayParameters(rows=2, columns=4)),
    copies=3,
    clock_hz=200e6,
    mac_j=3e-12,
    leakage_w=16e-9,
    area_m2=32_000e-12,
)
CHIP = Chip(
    part=PART,
    buffer=sram_buffer(65536, "sky130_1rw1r"),
    outer=dram("hbm2e", idle_w=0.1),
    link_j_per_bit=0.5e-12,
)


def files(chip: Chip) -> dict[str, Any]:
    return {name: yaml.safe_load(text) for name, text in mapper_files(chip, "a part").items()}


def test_accelergy_by_hand() -> None:
    written = files(CHIP)
    energies = {
        table["name"]: {action["name"]: action["energy"] for action in table["actions"]}
        for table in written["accelergy/ERT.yaml"]["ERT"]["tables"]
    }
    buffer = CHIP.buffer
    assert buffer is not None
    # 24 elements; each copy leaks 16 nW over 8 elements, 2 nW in 5 ns: 1e-17 J.
    assert energies["system_top_level.mac[1..24]"] == {
        "compute": 3.0,
        "leak": pytest.approx(1e-5),
    }
    # 8 bits at 6 pJ in the HBM2E and 0.5 pJ on the link; 0.1 W in 5 ns.
    access = {"read": 52.0, "write": 52.0, "update": 52.0}
    assert energies["system_top_level.dram[1..1]"] == pytest.approx(access | {"leak": 500.0})
    stored = energies["system_top_level.buffer[1..1]"]
    assert stored["read"] == pytest.approx(8 * buffer.read_j_per_bit * 1e12)
    assert stored["leak"] == pytest.approx(
        (buffer.leakage_w * 5e-9 + buffer.idle_j_per_cycle) * 1e12
    )
    areas = {
        table["name"]: table["area"] for table in written["accelergy/ART.yaml"]["ART"]["tables"]
    }
    assert areas == {
        "system_top_level.mac[1..24]": 4000.0,  # µm² of 32,000 over 8 elements
        "system_top_level.buffer[1..1]": pytest.approx(buffer.area_m2 * 1e12),
    }


def test_accelergy_format_is_that_of_published_tables(shared: Path) -> None:
    folder = shared / "reference" / "networks" / "timeloop" / "simple_output_stationary"
    published = yaml.safe_load((folder / "timeloop-mapper.ERT.yaml").read_text())["ERT"]
    ours = files(CHIP)["accelergy/ERT.yaml"]["ERT"]
    assert ours.keys() == published.keys() and ours["version"] == published["version"]
    known = {
        table["name"].partition("[")[0].rpartition(".")[2]: table for table in published["tables"]
    }
    for table, theirs in zip(ours["tables"], ("mac", "shared_glb", "DRAM"), strict=True):
        assert table.keys() == known[theirs].keys()
        actions = {action["name"]: action for action in known[theirs]["actions"]}
        for action in table["actions"]:
            assert action.keys() == actions[action["name"]].keys()
            assert type(action["energy"]) is float
        assert {action["name"] for action in table["actions"]} == set(actions)


def zigzag_problems(accelerator: dict[str, Any]) -> list[str]:
    """What is wrong by the rules of ZigZag's documentation of hardware files."""
    array, problems = accelerator["operational_array"], []
    if len(array["dimensions"]) != len(array["sizes"]):
        problems.append("dimensions and sizes differ")
    held: set[str] = set()
    for name, memory in accelerator["memories"].items():
        held |= set(memory["operands"])
        needed = {"size", "r_cost", "w_cost", "area", "latency", "operands", "ports"}
        problems += [f"{name} lacks {key}" for key in needed - memory.keys()]
        if not set(memory["served_dimensions"]) <= set(array["dimensions"]):
            problems.append(f"{name} serves an unknown dimension")
        if type(memory["size"]) is not int or memory["size"] < 1:
            problems.append(f"{name} has no size")
        directions = set()
        for port in memory["ports"]:
            if port["bandwidth_min"] > port["bandwidth_max"]:
                problems.append(f"{name}: least bandwidth above the largest")
            for allocation in port["allocation"]:
                directions.add(allocation)
                if (allocation[-2] == "f") == (port["type"] == "read"):
                    problems.append(f"{name}: {allocation} at a port of type {port['type']}")
        for operand in memory["operands"]:
            ways = ("fh", "tl", "fl", "th") if operand == "O" else ("fh", "tl")
            problems += [
                f"{name}: no port for {operand}, {way}"
                for way in ways
                if f"{operand}, {way}" not in directions
            ]
    return problems + [f"no memory holds {name}" for name in {"I1", "I2", "O"} - held]


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("with_buffer", [True, False])
def test_zigzag_format(copies: int, with_buffer: bool) -> None:
    chip = dataclasses.replace(
        CHIP,
        part=dataclasses.replace(PART, copies=copies),
        buffer=CHIP.buffer if with_buffer else None,
    )
    written = files(chip)
    accelerator = written["zigzag/accelerator.yaml"]
    assert zigzag_problems(accelerator) == []
    array = accelerator["operational_array"]
    assert array["sizes"] == ([2, 4] if copies == 1 else [2, 4, 3])
    assert (array["unit_energy"], array["unit_area"]) == (3.0, 4000.0)
    assert {type(array["unit_energy"]), type(array["sizes"][0])} == {float, int}
    spatial = written["zigzag/mapping.yaml"][0]["spatial_mapping"]
    assert [*spatial] == array["dimensions"]
    assert spatial["D1"] == ["OX, 2"] and spatial["D2"] == ["K, 4"]


def test_zigzag_loads_and_runs_it(tmp_path: Path) -> None:
    pytest.importorskip("zigzag", reason="pip install zigzag-dse six")
    from zigzag.api import get_hardware_performance_zigzag
    from zigzag.parser.accelerator_validator import AcceleratorValidator

    chip = dataclasses.replace(CHIP, part=dataclasses.replace(PART, copies=1))
    for name, text in mapper_files(chip, "a part").items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    layer = {
        "id": 0,
        "name": "conv",
        "operator_type": "Conv",
        "equation": "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]",
        "dimension_relations": ["ix=1*ox+1*fx", "iy=1*oy+1*fy"],
        "loop_dims": ["B", "K", "C", "OY", "OX", "FY", "FX"],
        "loop_sizes": [1, 8, 4, 6, 6, 3, 3],
        "operand_precision": {"W": 8, "I": 8, "O": 24, "O_final": 8},
        "operand_source": {"I": 0, "W": 0},
    }
    (tmp_path / "layer.yaml").write_text(yaml.safe_dump([layer]))
    accelerator = tmp_path / "zigzag" / "accelerator.yaml"
    assert AcceleratorValidator(yaml.safe_load(accelerator.read_text())).validate()
    result = get_hardware_performance_zigzag(
        str(tmp_path / "layer.yaml"),
        str(accelerator),
        str(tmp_path / "zigzag" / "mapping.yaml"),
        opt="energy",
        dump_folder=str(tmp_path / "out"),
        loma_show_progress_bar=False,
    )
    evaluation = result[2][0][0]
    assert evaluation.mac_energy == pytest.approx(8 * 4 * 36 * 9 * 3.0)  # MACs times 3 pJ


@pytest.mark.slow
@given(
    st.recursive(
        st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("ab, 1."),
        lambda inner: (
            st.lists(inner, min_size=1)
            | st.dictionaries(st.text("abc", min_size=1), inner, min_size=1)
        ),
        max_leaves=8,
    ).filter(lambda value: isinstance(value, dict | list))
)
def test_texts_are_read_back(value: Any) -> None:
    def close(found: Any, right: Any) -> bool:
        if isinstance(right, dict):
            return found.keys() == right.keys() and all(close(found[k], right[k]) for k in right)
        if isinstance(right, list):
            return len(found) == len(right) and all(map(close, found, right))
        if isinstance(right, float):
            return type(found) is float and math.isclose(found, right, rel_tol=1e-8)
        return bool(found == right)

    assert close(yaml.safe_load(yaml_text(value)), value)


def test_one_line_for_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="the part is not measured; add --measure"):
        mapper_files(dataclasses.replace(CHIP, part=Part(block="b", contract=PART.contract)), "")
    with pytest.raises(DesignError, match="needs an outer memory; name one, e.g. --dram hbm2e"):
        mapper_files(dataclasses.replace(CHIP, outer=None), "")
    (tmp_path / "full").write_text("")
    metrics: dict[str, float] = {}
    with pytest.raises(DesignError, match="is not an empty folder; name a new one"):
        export_mapper_tables(tmp_path, metrics=metrics)
    with pytest.raises(DesignError, match="block 'rv32' has no contract"):
        export_mapper_tables(tmp_path / "new", "rv32", metrics=metrics)


def test_energies_of_an_array_come_from_its_metrics(tmp_path: Path) -> None:
    metrics = {
        "block_power_w": 3.1e-3,
        "block_leakage_power_w": 0.1e-3,
        "block_throughput_ops_per_s": 1e9,
        "clock_frequency_hz": 200e6,
        "block_area_m2": 32_000e-12,
        "vdd_v": 1.2,
        "library_temperature_c": 25.0,
    }
    given = {"rows": 2, "columns": 4}
    memories = MemoryChoice(dram="hbm2e")
    written = export_mapper_tables(
        tmp_path / "new", "mac_array", given, metrics=metrics, memories=memories
    )
    names = [path.relative_to(tmp_path / "new").as_posix() for path in written]
    assert names == [
        "accelergy/ART.yaml",
        "accelergy/ERT.yaml",
        "zigzag/accelerator.yaml",
        "zigzag/mapping.yaml",
    ]
    text = written[1].read_text()
    assert text.startswith("# 1 x mac_array (rows=2, columns=4, ") and "1.2 V, 25 °C" in text
    table = yaml.safe_load(text)["ERT"]["tables"][0]
    assert table["actions"][0] == {"name": "compute", "arguments": {}, "energy": 3.0}
