"""A study of 20,000 real points: how long reading it takes, and its report in Chromium.

python -m benchmarks.report [POINTS]

The points are those of the frozen space (benchmarks/search) with more package sizes, harvested and
stored as a sweep does. Prints one JSON line: processor seconds of each verb, then seconds of the
page: first paint, everything drawn, and each thing a reader does.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import optuna
from playwright.sync_api import sync_playwright

from benchmarks.search import frozen
from chipdse.study.harvest.harvest import Harvest, finishes
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.storage.begin import start_study
from chipdse.study.storage.fast_writes import complete
from chipdse.study.storage.optuna_private import trial_id_of

POINTS, RUNS = 20_000, 3
TILES = "tiles = [256, 2048, 16384]", "tiles = [256, 512, 1024, 2048, 4096, 8192, 16384]"
ADDITIONS = "x = 0\nfor i in range(10**7): x += 1"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
DONE = {
    "other_axis": "const s = document.getElementById('axis-x'); s.value = 'cost_usd'; "
    "s.dispatchEvent(new Event('change'))",
    "filter": "document.querySelector('#filters input').click()",
    "brush": "await Plotly.restyle('parallel-plot', "
    "{'dimensions[0].constraintrange': [[[1.9, 2.1]]]}, [0])",
    "clear": "document.getElementById('clear').click()",
    "open_point": "document.querySelector('#front-table tbody button').click()",
    "three_dimensions": "document.getElementById('three').click()",
}


def make_study(folder: Path, count: int) -> int:
    """Harvest the frozen space into a study on disk until it has so many points; how many."""
    text = (frozen.HERE / "space.toml").read_text().replace(*TILES)
    file = folder.with_suffix(".toml")
    file.write_text(text)
    sweep, written = read_sweep(file), 0
    study = start_study(sweep, folder, None, {"versions": {}, "liberty": []}).study
    study.sampler = optuna.samplers.RandomSampler(seed=1)
    for frozen_point in frozen.load().points:
        if written >= count:
            break
        study.enqueue_trial(frozen_point.point)
        trial = study.ask(sweep.proposed_space.distributions())
        points = frozen.evaluate(sweep, frozen_point)
        harvest = Harvest(front=points.local_front(), evaluated=len(points.numbers), sampled=False)
        proposed, harvested = finishes(sweep, frozen_point.point, harvest, trial.number)
        distributions = sweep.space.distributions()
        complete(
            study, trial_id_of(trial), proposed, harvested[: count - written - 1], distributions
        )
        written += 1 + len(harvested[: count - written - 1])
    return written


def verbs(study: Path) -> dict[str, float]:
    """Processor seconds of the verbs that read a study, and of ten million additions for scale."""
    program = Path(sys.executable).with_name("chipdse")
    figure = study / "front.svg"
    asked = {
        "front": ["front", study],
        "front_all_json": ["front", study, "--all", "--json"],
        "compare": ["compare", study, study],
        "report": ["report", study, "-o", study / "report.html", "--details"],
        "plot": ["plot", study, "-o", figure],
        "plot_parallel": ["plot", study, "--kind", "parallel", "-o", figure],
        "plot_importance": ["plot", study, "--kind", "importance", "-o", figure],
    }
    commands = {f"{name}_cpu_s": [program, *words] for name, words in asked.items()}
    commands["additions_cpu_s"] = [Path(sys.executable), "-c", ADDITIONS]
    results = {}
    for name, command in commands.items():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        results[name] = round(spent, 2)
    return results


def look(page: Path) -> dict[str, Any]:
    """Seconds of what the page does, the median of some runs."""
    results: dict[str, list[float]] = {}
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        for _ in range(RUNS):
            tab, began = browser.new_page(), time.monotonic()
            tab.goto(page.as_uri())
            tab.wait_for_selector("body[data-ready=yes]", timeout=300_000)
            tab.wait_for_selector("#history-plot .main-svg", timeout=300_000)
            results.setdefault("everything_drawn_s", []).append(time.monotonic() - began)
            results.setdefault("first_paint_s", []).append(tab.evaluate(PAINT) / 1e3)
            for name, action in DONE.items():
                seconds = tab.evaluate(
                    f"async () => {{ const began = performance.now(); {action}; await new Promise("
                    "(done) => requestAnimationFrame(() => setTimeout(done))); "
                    "return (performance.now() - began) / 1e3; }"
                )
                results.setdefault(f"{name}_s", []).append(seconds)
            tab.close()
    return {name: round(sorted(values)[len(values) // 2], 2) for name, values in results.items()}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else POINTS
    with tempfile.TemporaryDirectory() as scratch:
        study = Path(scratch) / "study"
        points = make_study(study, count)
        read = verbs(study)
        page = study / "report.html"
        shown = {"points": points, **read, "bytes": page.stat().st_size, **look(page)}
    print(json.dumps(shown | {"load": round(os.getloadavg()[0], 1)}))


if __name__ == "__main__":
    main()
