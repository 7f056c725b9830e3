"""Each die of a system by itself: area, process, yield, power, temperature, price and carbon."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from chipdse.system.arrays.carbon import tested_die_kg
from chipdse.system.arrays.cost import tested_die_usd
from chipdse.system.arrays.temperature import die_heat
from chipdse.system.described import Evaluation


@dataclass(frozen=True, kw_only=True)
class DieFigures:
    """One kind of die; NaN where it has no stable temperature.

    area_m2 : of one die with its interfaces
    yield_frac : share of good dies
    power_w, peak_temperature_c : of the hottest die of the kind; its power includes leakage at that
        temperature and its part of the power of the links
    tested_usd, tested_kgco2e : of one die that passes the test, dies that fail included
    """

    name: str
    count: int
    area_m2: float
    node_nm: float
    yield_frac: float
    power_w: float
    peak_temperature_c: float
    tested_usd: float
    tested_kgco2e: float

    def document(self) -> dict[str, Any]:
        """As JSON values: None for what is not known."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in dataclasses.asdict(self).items()
        }


def each_die(evaluation: Evaluation) -> list[DieFigures]:
    """The dies of a system, one entry per kind."""
    package, parts, sources = evaluation.columns, evaluation.parts, evaluation.sources
    dies = parts.dies.present()
    kinds = [parts.dies.names.index(name) for name in dies.names]
    fabrication, fixed_w = parts.fabrication, parts.power_w[:, kinds]
    heat = die_heat(package, dies, evaluation.leak, fixed_w, sources)
    usd = tested_die_usd(package, parts.dies, fabrication, sources)[0]
    kg = tested_die_kg(package, parts.dies, fabrication, sources)[0]
    return [
        DieFigures(
            name=name,
            count=int(dies.count[0, place]),
            area_m2=float(dies.area_m2[0, place]),
            node_nm=float(dies.node_nm[0, place]),
            yield_frac=float(fabrication.die_yield[0, kind]),
            power_w=float(fixed_w[0, place] + heat.leakage_w[place]),
            peak_temperature_c=float(heat.peak_c[place]),
            tested_usd=float(usd[kind]),
            tested_kgco2e=float(kg[kind]),
        )
        for place, (name, kind) in enumerate(zip(dies.names, kinds, strict=True))
    ]
