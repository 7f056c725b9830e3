"""First points of a sweep from an earlier study of the block on another library."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import create_trial

from chipdse.api.study import _first_points
from chipdse.errors import DesignError
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.search.earlier import first_points
from chipdse.study.search.samplers import make_sampler
from chipdse.study.storage.begin import start_study

SWEEP = """
block = "adder"
[hardware]
bits = [8, 16, 32]
structure = ["ripple", "kogge_stone"]
[workload]
length = 64
values = "uniform"
[library]
name = "sky130"
[objectives]
block_energy_per_op_j = "minimize"
block_throughput_ops_per_s = "maximize"
[search]
harvest = false
"""
# Bits, structure, energy, throughput. In ranks, from 0 to 1 in steps of 1/4, with the best at 0:
POINTS = (
    (8, "ripple", 1e-12, 1e8),  # (0, 1)
    (8, "kogge_stone", 2e-12, 3e8),  # (1/4, 1/4)
    (16, "ripple", 3e-12, 2e8),  # (1/2, 1/2): behind the second
    (16, "kogge_stone", 4e-12, 4e8),  # (3/4, 0)
    (32, "ripple", 90e-12, 1.5e8),  # (1, 3/4): behind the second
)


def read(folder: Path, text: str = SWEEP) -> Sweep:
    file = folder / "new.toml"
    file.write_text(text)
    return read_sweep(file)


def earlier(folder: Path, points: Sequence[tuple[int, str, float, float]] = POINTS) -> Path:
    """The folder of a study with these points."""
    sweep = read(folder)
    study = start_study(sweep, folder / "earlier", None, {"versions": {}}).study
    names = [objective.metric for objective in sweep.objectives]
    for bits, structure, *values in points:
        study.add_trial(
            create_trial(
                params={"bits": bits, "structure": structure},
                distributions=sweep.space.distributions(),
                values=values,
                user_attrs={"metrics": dict(zip(names, values, strict=True))},
            )
        )
    return folder / "earlier"


@pytest.mark.slow
def test_by_hand_and_by_ranks_only(tmp_path: Path) -> None:
    # Up to (1.1, 1.1): the second covers 0.85 * 0.85, then the fourth 0.35 * 0.25 more, and the
    # first 0.25 * 0.1.
    expected = [(8, "kogge_stone"), (16, "kogge_stone"), (8, "ripple")]
    sweep = read(tmp_path)
    points = first_points(sweep, earlier(tmp_path))
    assert [(point["bits"], point["structure"]) for point in points] == expected
    other = tmp_path / "other"
    other.mkdir()
    stretched = [(*point[:2], point[2] ** 3, np.exp(1e-7 * point[3])) for point in POINTS]
    assert first_points(sweep, earlier(other, stretched)) == points


@pytest.mark.slow
def test_numbers_go_to_the_nearest_and_unknown_texts_are_left_out(tmp_path: Path) -> None:
    folder = earlier(tmp_path)
    narrower = SWEEP.replace("[8, 16, 32]", "[12, 32]").replace(
        '["ripple", "kogge_stone"]', '["kogge_stone", "sklansky"]'
    )
    points = first_points(read(tmp_path, narrower), folder)
    assert points == [{"bits": 12, "structure": "kogge_stone"}]
    wider = SWEEP.replace("length = 64", "length = [16, 64, 400]").replace(
        '"sky130"', '["sky130", "gf180mcu"]'
    )
    assert first_points(read(tmp_path, wider), folder)[0] == {
        **{"bits": 8, "structure": "kogge_stone"},
        **{"length": 64, "library": "sky130"},
    }


@pytest.mark.slow
def test_a_new_study_evaluates_them_first_and_once(tmp_path: Path) -> None:
    sweep = read(tmp_path)
    points = first_points(sweep, earlier(tmp_path))
    for _ in range(2):  # opened again, it is not begun again
        study = start_study(sweep, tmp_path / "new", None, {}, first=points).study
    asked = []
    for seed in range(6):
        study.sampler = make_sampler("lattice", sweep.proposed_space, 6, seed)
        trial = study.ask(sweep.proposed_space.distributions())
        study.tell(trial, [1.0 + seed, 2.0])
        asked.append(sweep.proposed_space.point(trial.params))
    assert asked[:3] == points
    assert len({tuple(point.values()) for point in asked}) == 6  # every point of the space


@pytest.mark.slow
def test_a_file_names_the_study_from_its_own_folder(tmp_path: Path) -> None:
    folder = earlier(tmp_path)
    sweep = read(tmp_path, SWEEP.replace("[search]", '[search]\nstart_from = "earlier"'))
    points = _first_points(sweep, tmp_path / "new", None)
    assert points == first_points(sweep, folder) and points
    assert _first_points(sweep, folder, None) == []  # that study has begun
    assert _first_points(read(tmp_path), tmp_path / "new", None) == []  # off by default


@pytest.mark.slow
def test_refusals(tmp_path: Path) -> None:
    folder = earlier(tmp_path)
    another = SWEEP.replace('"adder"', '"multiplier"').replace(
        'structure = ["ripple", "kogge_stone"]', "pipeline_stages = [0, 1]"
    )
    with pytest.raises(DesignError, match="a study of adder, and the first points of .* multipl"):
        first_points(read(tmp_path, another), folder)
    derived = SWEEP.replace(
        "[objectives]\nblock_energy_per_op_j",
        '[derived]\ncost = { expression = "die_area_m2 * 1e6", unit = "mm2" }\n[objectives]\ncost',
    )
    with pytest.raises(DesignError, match="has no 'cost', an objective of"):
        first_points(read(tmp_path, derived), folder)
    with pytest.raises(DesignError, match=r"search\.start_from = 3; write the folder of a study"):
        read(tmp_path, SWEEP.replace("[search]", "[search]\nstart_from = 3"))
    assert read(tmp_path, SWEEP.replace("[search]", '[search]\nstart_from = "a"')).start_from == "a"
