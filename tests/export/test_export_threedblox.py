"""3DBlox files: read back with a YAML reader and put to the rules of OpenROAD's 3D checker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chipdse.cli import main
from chipdse.export.threedblox import threedblox_files
from chipdse.system.arrays.geometry import DieOutline, Geometry
from chipdse.system.parameters import ARRANGEMENTS
from chipdse.technology.constants import Sources

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
SYSTEMS = Path(__file__).parents[2] / "sweeps" / "systems"


def read(files: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    (views,) = [yaml.safe_load(text) for name, text in files.items() if name.endswith(".3dbv")]
    (design,) = [yaml.safe_load(text) for name, text in files.items() if name.endswith(".3dbx")]
    return views["ChipletDef"], design


def box(views: dict[str, Any], design: dict[str, Any], name: str) -> list[tuple[float, float]]:
    """A placed chiplet's extent in x, y and z, in steps of 1 nm."""
    view, place = views[design["ChipletInst"][name]["reference"]], design["Stack"][name]
    low = (*place["loc"], place["z"])
    size = (*view["design_area"], view["thickness"])
    return [
        (round(a * 1e3), round(a * 1e3) + round(b * 1e3)) for a, b in zip(low, size, strict=True)
    ]


def face(views: Any, design: Any, region: str) -> tuple[list[tuple[float, float]], float, bool]:
    """Extent of a region's chiplet, the height of the region, and whether it looks up."""
    name, _, side = region.split(".")
    up = (side == "front") != (design["Stack"][name]["orient"] == "MZ")
    extent = box(views, design, name)
    return extent, extent[2][1] if up else extent[2][0], up


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_assemblies_pass_the_checker(arrangement: str, count: int) -> None:
    dies = tuple(DieOutline(name=f"die {i + 1}", area_m2=(20 + 3 * i) * 1e-6) for i in range(count))
    geometry = Geometry(
        arrangement=arrangement,
        dies=dies,
        cooling="heatsink_forced_air",
        interface_material="interface_typical",
        spreader_material="copper",
        die_material="silicon",
        die_thickness_m=150e-6,
        spreader_side_m=30e-3,
        sink_side_m=60e-3,
    )
    views, design = read(threedblox_files(geometry, Sources(), "a system"))
    names = list(design["ChipletInst"])
    assert sum(view["type"] == "die" for view in views.values()) == count
    boxes = {name: box(views, design, name) for name in names}
    for i, one in enumerate(names):  # no two overlap
        for other in names[i + 1 :]:
            pairs = zip(boxes[one], boxes[other], strict=True)
            assert not all(a[0] < b[1] and b[0] < a[1] for a, b in pairs), (one, other)
    grounded = set()
    for name, link in design["Connection"].items():  # faces look at each other across the gap
        top = face(views, design, link["top"])
        grounded.add(link["top"].split(".")[0])
        if link["bot"] is None:
            continue
        bottom = face(views, design, link["bot"])
        assert not top[2] and bottom[2], name
        assert top[1] - bottom[1] == round(link["thickness"] * 1e3) >= 0, name
        assert all(
            a[0] < b[1] and b[0] < a[1] for a, b in zip(top[0][:2], bottom[0][:2], strict=True)
        )
        assert link["bot"].split(".")[0] in grounded  # nothing floats
    assert grounded == set(names)


def test_the_package_verb_writes_both_files(tmp_path: Path) -> None:
    target = tmp_path / "assembly"
    main(["package", str(SYSTEMS / "memory_on_logic.toml"), "--3dblox", str(target), "--json"])
    views, design = read({path.name: path.read_text() for path in target.iterdir()})
    assert design["Header"]["include"] == [path.name for path in target.glob("*.3dbv")]
    assert [views[name]["tsv"] for name in ("logic", "memory")] == [True, False]


def test_an_unwritable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "inside"
    assert main(["package", str(SYSTEMS / "memory_on_logic.toml"), "--3dblox", str(target)]) == 2
