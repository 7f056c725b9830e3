"""Raw results are used again only if they follow from the same inputs."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tools.characterise import mismatch_pack, montecarlo, run, settings

pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed"),
]
LEAKAGE = run.Task("leakage", "typical", 1.8, 25.0, "inv_2")
TIMING = run.Task("timing", "fast", 1.6, -40.0, "nand2_1")


def states_w(work: Path) -> list[float]:
    return [state["power_w"] for state in json.loads(LEAKAGE.file(work).read_text())["states"]]


def test_a_file_of_the_same_inputs_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with run.Characteriser(tmp_path) as characteriser:
        assert characteriser.do(LEAKAGE) is None
    made = LEAKAGE.file(tmp_path).stat().st_mtime_ns
    assert run.missing(tmp_path, [LEAKAGE]) == []
    with run.Characteriser(tmp_path) as characteriser:
        assert characteriser.do(LEAKAGE) is None
        assert "simulator" not in characteriser.__dict__  # ngspice was not started
    assert LEAKAGE.file(tmp_path).stat().st_mtime_ns == made
    # drawn distances: leakage depends on them exponentially
    before = states_w(tmp_path)
    monkeypatch.setattr(settings, "STRESS_INSET_M", 0.0)
    assert run.missing(tmp_path, [LEAKAGE]) == [LEAKAGE]
    with run.Characteriser(tmp_path) as characteriser:
        assert characteriser.do(LEAKAGE) is None
    assert np.abs(np.array(states_w(tmp_path)) / before - 1).min() > 0.02


@pytest.mark.parametrize("content", ["kept", "{}", '{"states": []}', '{"key": "another"}'])
def test_a_file_without_its_key_is_made_again(content: str, tmp_path: Path) -> None:
    file = LEAKAGE.file(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with run.Characteriser(tmp_path) as characteriser:
        assert not characteriser.known(LEAKAGE)
        assert characteriser.do(LEAKAGE) is None
        assert characteriser.known(LEAKAGE)
    assert all(power_w > 0 for power_w in states_w(tmp_path))


def other_models(characteriser: run.Characteriser, monkeypatch: pytest.MonkeyPatch) -> None:
    for corner in ("ff", "tt_leak"):
        changed = {
            size: card.replace("toxe=", "toxe=1")
            for size, card in characteriser.models[corner].items()
        }
        assert changed != characteriser.models[corner]
        characteriser.models[corner] = changed


def other_layouts(characteriser: run.Characteriser, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("inv_2", "nand2_1"):
        layout = characteriser.layouts[name]
        first, *rest = layout.devices
        wider = dataclasses.replace(first, perimeter_drain_m=2 * first.perimeter_drain_m)
        characteriser.layouts[name] = dataclasses.replace(layout, devices=(wider, *rest))


def other_ngspice(characteriser: run.Characteriser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "simulator_version", lambda: "ngspice-40")


def other_code(characteriser: run.Characteriser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_code", lambda kind, *methods: ("another",))


def other_attempts(characteriser: run.Characteriser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "ATTEMPTS", run.ATTEMPTS[:1])


@pytest.mark.parametrize(
    "change", [other_models, other_layouts, other_ngspice, other_code, other_attempts]
)
@pytest.mark.parametrize("task", [TIMING, LEAKAGE])
def test_every_input_is_part_of_the_key(
    change: Callable[[run.Characteriser, pytest.MonkeyPatch], None],
    task: run.Task,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = run.Characteriser(tmp_path).task_key(task)
    assert run.Characteriser(tmp_path).task_key(task) == before
    characteriser = run.Characteriser(tmp_path)
    change(characteriser, monkeypatch)
    assert characteriser.task_key(task) != before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLEWS_S", np.geomspace(20e-12, 1.5e-9, 7)),
        ("SMALLEST_LOAD_F", 1e-15),
        ("SPARSE", (0, 2, 6)),
        ("FASTEST_STATE", ()),
    ],
)
def test_the_grid_is_part_of_the_key_of_timing_alone(
    name: str, value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    characteriser = run.Characteriser(tmp_path)
    before = [characteriser.task_key(task) for task in (TIMING, LEAKAGE)]
    monkeypatch.setattr(settings, name, value)
    after = [characteriser.task_key(task) for task in (TIMING, LEAKAGE)]
    assert after[0] != before[0] and after[1] == before[1]


def test_corners_cells_and_processes_have_keys_of_their_own(tmp_path: Path) -> None:
    characteriser = run.Characteriser(tmp_path)
    tasks = [
        *(TIMING, LEAKAGE, dataclasses.replace(TIMING, kind="leakage")),
        *(dataclasses.replace(TIMING, cell="nand2_2"), dataclasses.replace(TIMING, process="slow")),
        dataclasses.replace(TIMING, supply_v=1.8),
        dataclasses.replace(TIMING, temperature_c=25.0),
    ]
    assert len({characteriser.task_key(task) for task in tasks}) == len(tasks)


def test_keys_of_mismatch_and_of_drawn_paths(tmp_path: Path) -> None:
    characteriser = run.Characteriser(tmp_path)
    tasks = list(mismatch_pack.needed())
    chosen = [tasks[0], *(task for task in tasks if task[1] in ("mux2_1", "narrow"))]
    keys = {mismatch_pack.key_of(characteriser, task) for task in chosen}
    assert len(keys) == len(chosen)
    paths = list(itertools.product(("inverters", "gates"), (1.8, 0.6), (200, 300), (1, 7)))
    assert len({montecarlo.key_of(characteriser, *path) for path in paths}) == len(paths)
    before = montecarlo.key_of(characteriser, "gates", 0.6, 200, 1)
    changed = run.Characteriser(tmp_path)
    changed.models["tt"] = changed.models["ff"]
    assert montecarlo.key_of(changed, "gates", 0.6, 200, 1) != before


def test_mismatch_of_other_inputs_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inverter at one corner, written without a key as by an older run."""
    task: mismatch_pack.Task = (mismatch_pack.FOLDER, "inverter", "typical", 1.8, 25.0)
    monkeypatch.setattr(mismatch_pack, "needed", lambda: iter([task]))
    file = tmp_path / "mismatch" / run.corner_tag("typical", 1.8, 25.0) / "inverter.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"n": {"relative": 1.0}}))
    assert mismatch_pack.simulate(tmp_path) == []
    found = mismatch_pack.read(tmp_path, "typical", 1.8, 25.0, "inverter")
    assert 0.005 < found["n"]["relative"] < 0.1
    made = file.stat().st_mtime_ns
    assert mismatch_pack.simulate(tmp_path) == []
    assert file.stat().st_mtime_ns == made
