"""Studies for the report's tests: real folders and storage, made-up numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from chipdse.metrics import METRICS
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.storage.begin import start_study
from chipdse.study.storage.fast_writes import complete
from chipdse.study.storage.finish import FinishedTrial
from chipdse.study.storage.folder import Opened, StudyFolder
from chipdse.study.storage.optuna_private import trial_id_of

HOSTILE = "</script><img src=x onerror=document.title='owned'> & “名前” " + "long" * 60
SWEEP = """
question = 'QUESTION'
block = "mac_array"
[hardware]
rows = [2, 3, 4, 5]
columns = [2, 3, 4, 5]
operand_bits = [4, 8]
[workload]
values = ["gaussian", "uniform"]
length = 64
depth = 16
[library]
name = "sky130"
[operating]
vdd_v = [1.2, 1.4, 1.6, 1.8]
[objectives]
energy_per_op_j = "minimize"
throughput_ops_per_s = "maximize"
cost_usd = "minimize"
[limits]
peak_temperature_c = { max = 95 }
"""


def in_memory(sweep: Sweep, folder: Path, description: dict[str, Any]) -> StudyFolder:
    """A study that is on no disk: thousands of trials in a second."""
    directions = ["minimize" if one.minimize else "maximize" for one in sweep.objectives]
    study = optuna.create_study(directions=directions)
    opened = Opened(study=study, storage=None)
    return StudyFolder(path=folder, sweep=sweep, description=description, opens=lambda: opened)


def make_study(
    folder: Path,
    count: int,
    *,
    question: str = "Which?",
    failure: str = "ToolError: it broke",
    on_disk: bool = False,
    constant: Sequence[str] = (),
) -> StudyFolder:
    """A study of `count` points; every 40th fails and every 10th is too hot.

    Metrics named `constant` are 0 in every point.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = folder.parent / f"{folder.name}.toml"
    file.write_text(SWEEP.replace("QUESTION", question.replace("'", "’")))
    description = {"versions": {"chipdse": "test"}}
    if on_disk:
        made = start_study(read_sweep(file), folder, None, description)
    else:
        made = in_memory(read_sweep(file), folder, description)
    random = np.random.default_rng(1)
    sweep = made.sweep
    distributions = sweep.space.distributions()
    finished: list[FinishedTrial] = []
    for number in range(count):
        point = {
            axis.name: axis.values[random.integers(len(axis.values))] for axis in sweep.space.axes
        }
        size = float(point["rows"]) * float(point["columns"])
        noise = random.lognormal(0, 0.3, 3)
        metrics = {name: float(random.random()) for name in METRICS}
        metrics |= {
            "energy_per_op_j": 1e-12 * float(point["vdd_v"]) ** 2 * noise[0],
            "throughput_ops_per_s": 1e9 * size * noise[1],
            "cost_usd": 0.1 * size * noise[2],
            "peak_temperature_c": 100.0 if number % 10 == 5 else 60.0,
        }
        metrics |= dict.fromkeys(constant, 0.0)
        failed = number % 40 == 7
        if failed:
            finish = FinishedTrial(params=point, attributes={"failure": failure})
        else:
            finish = FinishedTrial(
                params=point,
                values=[metrics[one.metric] for one in sweep.objectives],
                attributes={"metrics": metrics, "system_evidence": "modelled"},
                constraints={"peak_temperature_c <= 95": metrics["peak_temperature_c"] / 95 - 1},
            )
        finished.append(finish)
    if not on_disk:
        made.study.add_trials([_trial(finish, distributions) for finish in finished])
    elif finished:  # in one transaction, which Optuna's call has for every number
        first = made.study.ask()
        complete(made.study, trial_id_of(first), finished[0], finished[1:], distributions)
    return made


def _trial(finish: FinishedTrial, distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    return create_trial(
        state=TrialState.FAIL if finish.values is None else TrialState.COMPLETE,
        params=dict(finish.params),
        distributions=distributions,
        values=finish.values,
        user_attrs=dict(finish.attributes),
        constraints=dict(finish.constraints),
    )
