"""An opened point shows the same power as its metrics, split two ways."""

from __future__ import annotations

import base64

import pytest
from chipdse_hdl import BLOCKS

from chipdse.design import Design, LibraryChoice, PhysicalOptions
from chipdse.evaluate import evaluate
from chipdse.report.page.details import point_detail
from chipdse.store.store import Store

pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("coarse_temperatures")]


def design(**physical: object) -> Design:
    block = BLOCKS["mac_array"]
    return Design(
        block=block,
        parameters=block.parameters(rows=2, columns=1, operand_bits=3, accumulator_bits=9),
        workload=block.workload(length=24, depth=8),
        library=LibraryChoice(name="sky130"),
        physical=PhysicalOptions(**physical),  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(root=tmp_path_factory.mktemp("store"))


def test_modules_and_kinds_add_up_to_the_metrics(store: Store) -> None:
    metrics = evaluate(design(), store).flat()
    detail = point_detail(design(), store)
    total = pytest.approx(metrics["block_power_w"], rel=1e-9)
    assert detail["power_w"] == total
    of = dict(zip(detail["kinds"]["kinds"], map(sum, detail["kinds"]["power_w"]), strict=True))
    assert sum(of.values()) == total
    assert of["leakage"] == pytest.approx(metrics["block_leakage_power_w"], rel=1e-9)
    assert of["clock tree"] == pytest.approx(metrics["block_clock_tree_power_w"], rel=1e-9)
    assert of["glitches"] == pytest.approx(metrics["block_glitch_power_w"], rel=1e-9)
    # What glitches charge in wires is counted as glitches here, and as wire power there.
    assert 0 < of["in wires"] <= metrics["block_wire_power_w"] <= of["in wires"] + of["glitches"]
    modules = detail["modules"]
    (root,) = (one for one in modules if not one["parent"])
    assert root["power_w"] == total
    for parent in {one["parent"] for one in modules} - {""}:
        own = sum(one["power_w"] for one in modules if one["parent"] == parent)
        assert own == pytest.approx(next(m["power_w"] for m in modules if m["id"] == parent))
    assert base64.b64decode(detail["placement_png"]).startswith(b"\x89PNG")
    assert "glitches" in detail["layout"]


def test_without_layout_there_are_only_cells_and_pins(store: Store) -> None:
    bare = design(wires="none", glitches=False, clock_tree=False)
    detail = point_detail(bare, store)
    assert detail["kinds"]["kinds"] == ["inside cells", "in pins", "leakage"]
    assert detail["placement_png"] is None
    total = sum(map(sum, detail["kinds"]["power_w"]))
    assert total == pytest.approx(evaluate(bare, store).flat()["block_power_w"], rel=1e-9)
