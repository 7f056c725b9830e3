"""Is quick synthesis a rung of the ladder? How many of the truly best points it keeps.

    python -m benchmarks.search.retention

The frozen space has every design synthesised quickly and fully. A rung that is cheaper is worth
having only if the best of full synthesis are among the best of it: the share of the true best 10
(and of 25) that are inside the rung's top 50, for each objective and for the hypervolume that a
design's local front adds to all others'. Prints one JSON line.
"""

from __future__ import annotations

import json

import moocore
import numpy as np

from benchmarks.search.frozen import Frozen, load

BEST, KEPT = (10, 25), 50


def designs(frozen: Frozen, effort: str) -> dict[tuple[object, ...], np.ndarray]:
    """Local fronts by everything but the effort, in logarithms."""
    found = {}
    for one, (_, objectives) in zip(frozen.points, frozen.fronts, strict=True):
        if one.point["effort"] == effort:
            key = tuple(value for name, value in one.point.items() if name != "effort")
            found[key] = np.sign(objectives) * np.log(np.abs(objectives))
    return found


def added(fronts: list[np.ndarray]) -> np.ndarray:
    """Hypervolume of the whole that is lost without each front."""
    every = np.concatenate(fronts)
    reference = every.max(axis=0) + 0.1 * np.ptp(every, axis=0)
    owner = np.repeat(np.arange(len(fronts)), [len(front) for front in fronts])
    best = moocore.is_nondominated(every, keep_weakly=True)
    whole = moocore.hypervolume(every[best], ref=reference)
    lost = np.zeros(len(fronts))
    for at in np.unique(owner[best]):
        lost[at] = whole - moocore.hypervolume(every[owner != at], ref=reference)
    return lost


def main() -> None:
    frozen = load()
    full, quick = designs(frozen, "full"), designs(frozen, "quick")
    keys = list(full)
    names = [one.metric for one in frozen.sweep.objectives]
    ranks = {
        name: [np.argsort([table[key][:, at].min() for key in keys]) for table in (full, quick)]
        for at, name in enumerate(names)
    }
    ranks["hypervolume"] = [
        np.argsort(-added([table[key] for key in keys])) for table in (full, quick)
    ]
    result = {"designs": len(keys), "kept": KEPT}
    for name, (true, rung) in ranks.items():
        result[name] = {
            f"best_{best}": len(set(true[:best]) & set(rung[:KEPT])) / best for best in BEST
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
