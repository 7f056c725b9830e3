"""Two studies compared: worked by hand, and refusals."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.cli import main
from chipdse.errors import DesignError, InfeasibleError
from chipdse.study.question.goals import Limit, Objective
from chipdse.study.results.compare import compare_studies
from chipdse.study.results.front import is_on_front
from tests.support.report_cases import make_study


def sweep(*axes: str, **fixed: Any) -> Any:
    return SimpleNamespace(
        objectives=(
            Objective(metric="energy_per_op_j", minimize=True),
            Objective(metric="throughput_ops_per_s", minimize=False),
        ),
        space=SimpleNamespace(axes=[SimpleNamespace(name=name) for name in axes]),
        template=SimpleNamespace(
            fixed={"hardware": fixed}, block=SimpleNamespace(name="mac_array"), liberty=()
        ),
        limits=(),
        replicates=1,
    )


def table(rows: list[tuple[int, float, float]], state: str = "feasible", **more: Any) -> Any:
    made = pd.DataFrame(rows, columns=["rows", "energy_per_op_j", "throughput_ops_per_s"])
    made["trial"] = range(len(made))
    made["state"] = state
    signs = [1.0, -1.0]
    values = made[["energy_per_op_j", "throughput_ops_per_s"]].to_numpy(dtype=float) * signs
    made["on_front"] = is_on_front(values)
    return made.assign(**more)


BEFORE = table([(2, 1.0, 10.0), (3, 2.0, 20.0), (4, 3.0, 5.0)])


def test_equal_studies_differ_in_nothing() -> None:
    found = compare_studies((sweep("rows"), BEFORE), (sweep("rows"), BEFORE))
    assert found.hypervolume_change_frac == 0
    assert (found.lost, found.won, found.moved, found.worse) == ((), (), (), ())
    assert found.matched == 3


def test_lost_won_and_hypervolume_by_hand() -> None:
    # Scaled over both fronts, energy 1 to 3 and throughput 10 to 30: before (0, 1) and (0.5, 0.5),
    # after (0.5, 0.5) and (1, 0); reference 1.1. Before: 1.1*0.1 + 0.6*0.5 = 0.41, and after
    # 0.6*0.6 + 0.1*0.5 = 0.41 too.
    after = table([(3, 2.0, 20.0), (5, 3.0, 30.0)])
    found = compare_studies((sweep("rows"), BEFORE), (sweep("rows"), after))
    assert found.hypervolume_first == pytest.approx(0.41)
    assert found.hypervolume_second == pytest.approx(0.41)
    assert (found.lost, found.won) == ((0,), (1,))
    assert found.matched == 1 and not found.worse


def test_what_got_worse_for_equal_parameters_is_named() -> None:
    after = BEFORE.assign(energy_per_op_j=[1.1, 2.0, 3.0])
    found = compare_studies((sweep("rows"), BEFORE), (sweep("rows"), after), 0.05)
    (moved,) = found.moved
    assert (moved.metric, moved.points) == ("energy_per_op_j", 3)
    assert moved.worst_frac == pytest.approx(0.1) and moved.median_frac == 0
    assert any("energy_per_op_j is up to 10.00% worse" in line for line in found.worse)
    better = compare_studies((sweep("rows"), after), (sweep("rows"), BEFORE), 0.05)
    assert not better.worse


def test_a_point_that_no_longer_works_is_worse() -> None:
    after = BEFORE.assign(state=["feasible", "feasible", "failed"])
    found = compare_studies((sweep("rows"), BEFORE), (sweep("rows"), after))
    assert found.broken == (2,) and len(found.worse) == 1


def test_a_design_that_fails_loses_everything_cheap_around_it() -> None:
    before = BEFORE.assign(rows=[2, 2, 3], vdd_v=[1.2, 1.8, 1.2])
    after = before.assign(
        state=["failed", "feasible", "feasible"],
        on_front=[False, True, False],
        vdd_v=[None, 1.5, 1.2],
    )
    found = compare_studies((sweep("rows", "vdd_v"), before), (sweep("rows", "vdd_v"), after))
    assert found.broken == (0, 1)


def test_a_fixed_parameter_meets_a_swept_one() -> None:
    after = BEFORE.assign(columns=[4, 8, 4])
    found = compare_studies((sweep("rows", columns=4), BEFORE), (sweep("rows", "columns"), after))
    assert found.matched == 2
    unknown = compare_studies((sweep("rows"), BEFORE), (sweep("rows", "columns"), after))
    assert unknown.matched == 0


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(1, 5), st.floats(1, 9), st.floats(1, 9)), min_size=1, max_size=8)
)
def test_more_points_never_lose(rows: list[tuple[int, float, float]]) -> None:
    more = table([*BEFORE[["rows", "energy_per_op_j", "throughput_ops_per_s"]].values, *rows])
    found = compare_studies(
        (sweep("none", none=1), BEFORE.assign(none=1)), (sweep("none"), more.assign(none=2))
    )
    assert found.lost == () and found.hypervolume_change_frac >= -1e-12


def test_unlike_studies_are_refused() -> None:
    other = sweep("rows")
    other.objectives = other.objectives[:1]
    with pytest.raises(DesignError, match="other objectives: energy_per_op_j, throughput"):
        compare_studies((sweep("rows"), BEFORE), (other, BEFORE))
    with pytest.raises(DesignError, match="tolerance 2 must be"):
        compare_studies((sweep("rows"), BEFORE), (sweep("rows"), BEFORE), 2)
    failed = BEFORE.assign(state="failed", on_front=False)
    with pytest.raises(InfeasibleError, match="the second study has no feasible point"):
        compare_studies((sweep("rows"), BEFORE), (sweep("rows"), failed))


def test_what_else_differs_is_said() -> None:
    other = sweep("columns", depth=16)
    other.template.block.name, other.replicates = "fir", 3
    other.limits = (Limit(metric="power_w", maximum=2.0),)
    found = compare_studies(
        (sweep("rows", depth=8), BEFORE), (other, BEFORE.rename(columns={"rows": "columns"}))
    )
    assert found.notes == (
        "block: mac_array and fir",
        "limits: none and power_w <= 2",
        "replicates: 1 and 3",
        "depth: 8 and 16",
        "the second study has no rows: no points are paired",
        "the first study has no columns: no points are paired",
    )
    assert found.matched == 0
    same = compare_studies((sweep("rows", depth=8), BEFORE), (sweep("rows", depth=8), BEFORE))
    assert same.notes == ()


def test_spreads_of_replicates_do_not_count_as_metrics() -> None:
    spread = BEFORE.assign(energy_per_op_j_std=[0.1, 0.1, 0.1], power_w=[1.0, 1.0, 1.0])
    other = spread.assign(energy_per_op_j_std=[0.3, 0.1, 0.1], power_w=[1.5, 1.0, 1.0])
    found = compare_studies((sweep("rows"), spread), (sweep("rows"), other))
    assert [one.metric for one in found.moved] == ["power_w"]


@pytest.mark.slow
def test_the_verb_says_it_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = make_study(tmp_path / "full", 60, on_disk=True)
    part = make_study(tmp_path / "part", 12, on_disk=True)
    assert main(["compare", str(full.path), str(full.path)]) == 0
    assert "as good, within the tolerance" in capsys.readouterr().out
    page = tmp_path / "c.html"
    assert main(["compare", str(full.path), str(part.path), "--json", "-o", str(page)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["hypervolume_change_frac"] < 0 and found["lost"]
    assert "hypervolume is" in page.read_text()
    assert main(["compare", str(full.path), str(tmp_path)]) == 2
