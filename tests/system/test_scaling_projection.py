"""Projection of a measured block to other nodes and devices: by hand, inverse, refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.system.models.projection import DEVICES, Figures, project_to_device, project_to_node

BLOCK = Figures(node="n130", supply_v=1.2, delay_s=5e-9, energy_per_op_j=1e-12, area_m2=1e-8)
HP = Figures(
    node="hp14", supply_v=0.73, delay_s=1e-9, energy_per_op_j=1e-12, area_m2=1e-8, leakage_w=1e-6
)


def test_to_7_nm_by_hand() -> None:
    # delay n130: -76.65 V^3 + 334.9 V^2 - 493.4 V + 275.8 at 1.2 V = 33.5248
    # energy n130: 7.171 V^2 - 6.709 V + 2.904 at 1.2 V = 5.17944
    found = project_to_node(BLOCK, "hp7", 0.7)
    back = project_to_node(found, "n130", 1.2)
    assert back.delay_s == pytest.approx(BLOCK.delay_s)
    assert back.energy_per_op_j == pytest.approx(BLOCK.energy_per_op_j)
    same = project_to_node(BLOCK, "n130", 1.0)
    # at 1.0 V: delay 40.65, energy 3.366
    assert same.delay_s == pytest.approx(5e-9 * 40.65 / 33.5248, rel=1e-6)
    assert same.energy_per_op_j == pytest.approx(1e-12 * 3.366 / 5.17944, rel=1e-6)
    assert found.evidence == "modelled"
    assert found.leakage_w is None
    assert any("Stillmaker" in constant.source for constant in found.sources)


@given(st.floats(0.8, 1.3), st.floats(0.8, 1.3))
def test_slower_and_cheaper_at_lower_supply(one_v: float, other_v: float) -> None:
    low, high = sorted((one_v, other_v))
    slow, fast = (project_to_node(BLOCK, "n90", v) for v in (low, high))
    assert slow.delay_s >= fast.delay_s
    assert slow.energy_per_op_j <= fast.energy_per_op_j


def test_to_a_device_by_hand() -> None:
    # ALU, CMOS HP: 994.785 ps, 170.051 fJ, 359.251 um2, 8.95205e-6 W
    # ALU, TIGFET:  653.842 ps, 167.638 fJ, 351.679 um2, 2.44819e-7 W
    found = project_to_device(HP, "tigfet")
    assert found.delay_s == pytest.approx(1e-9 * 653.842 / 994.785)
    assert found.energy_per_op_j == pytest.approx(1e-12 * 167.638 / 170.051)
    assert found.area_m2 == pytest.approx(1e-8 * 351.679 / 359.251)
    assert found.leakage_w == pytest.approx(1e-6 * 2.44819e-7 / 8.95205e-6)
    assert (found.supply_v, found.evidence) == (0.9, "modelled")
    assert any("altered" in constant.note for constant in found.sources)


def test_every_device_has_every_number() -> None:
    assert len(DEVICES) == 25
    for device in DEVICES:
        found = project_to_device(HP, device)
        assert found.delay_s > 0
        assert found.energy_per_op_j > 0


def test_nodes_and_supplies_outside_the_projection_are_refused() -> None:
    with pytest.raises(DesignError, match="node 'hp5' is not one of"):
        project_to_node(BLOCK, "hp5", 0.7)
    with pytest.raises(DesignError, match="outside the supplies"):
        project_to_node(BLOCK, "hp7", 1.5)
    with pytest.raises(DesignError, match="device 'qubit' is not one of"):
        project_to_device(HP, "qubit")
    with pytest.raises(DesignError, match="project to hp14 or hp16 at 0.73 V first"):
        project_to_device(BLOCK, "tigfet")
