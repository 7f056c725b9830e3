"""Studies for the report's tests: real folders and storage, made-up numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState, create_trial

from chipdse.metrics import METRICS
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.storage.begin import start_study
from chipdse.study.storage.folder import Opened, StudyFolder

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
    failure: str = "",
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
    trials = []
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
        state = TrialState.FAIL if failed else TrialState.COMPLETE
        trial = create_trial(
            state=state,
            params=point,
            distributions=distributions,
            values=None if failed else [metrics[one.metric] for one in sweep.objectives],
            user_attrs={"failure": failure or "ToolError: it broke"}
            if failed
            else {"metrics": metrics, "system_evidence": "modelled"},
            system_attrs={}
            if failed
            else {"constraints:peak_temperature_c <= 95": metrics["peak_temperature_c"] / 95 - 1},
        )
        trials.append(trial)
    made.study.add_trials(trials)
    return made
