"""Whole paths in ngspice, every transistor drawn from the wheel's own distributions.

The reference for `chipdse`'s sigma of a path: no sensitivity and no table is in it. Each draw
changes threshold voltage, oxide thickness and offset voltage of every transistor independently.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from chipdse.characterise.bench import POINTS_PER_WINDOW, RAMP_PER_SLEW
from chipdse.characterise.ngspice import SimulationError
from chipdse.characterise.run import read

from . import catalogue, mismatch, settings
from .deck import OPTIONS, SUPPLY_NETS, net
from .inputs import FOLDER as DATA
from .inputs import model_card, rounded
from .layout import CellLayout, Device
from .mismatch import SLOPES, deviation
from .run import Characteriser, write

WIRE_F = 3e-15  # on every net of a path
SUPPLIES_V = (1.8, 0.8, 0.6)
# Draws by seed. At 0.6 V few slow chips decide the deviation: that of 200 full adders is 0.45 with
# one seed and 0.32 with another, so paths have more there.
DRAWS = {1: 200}
MORE_DRAWS = {("inverters", 0.6): {1: 200, 7: 800}, ("carries", 0.6): {1: 200, 7: 800}}
FOLDER = "mismatch_paths"
SAMPLES = DATA / "mismatch_paths.json.gz"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One cell of a path: the input it is driven at, the levels of the others, its output."""

    cell: str
    pin: str
    output: str
    side: dict[str, int]


def step(cell: str, pin: str, **side: int) -> Step:
    """A step through a cell's only output, or a full adder's carry."""
    outputs = catalogue.cell(cell).outputs
    output = "COUT" if "COUT" in outputs else outputs[0]
    return Step(cell=cell, pin=pin, output=output, side=side)


PATHS: dict[str, tuple[Step, ...]] = {
    "inverters": tuple(step("inv_1", "A") for _ in range(10)),
    "gates": (
        step("nand2_1", "A", B=1),
        step("nor2_1", "B", A=0),
        step("inv_2", "A"),
        step("nand3_1", "A", B=1, C=1),
        step("a21oi_1", "A1", A2=1, B1=0),
        step("xor2_1", "A", B=0),
        step("o21ai_1", "A1", A2=0, B1=1),
        step("and2_0", "A", B=1),
        step("buf_1", "A"),
        step("nor3_1", "A", B=0, C=0),
    ),
    "carries": (
        *(step("fa_1", "CIN", A=1, B=0) for _ in range(2)),
        step("nand2_1", "A", B=1),
        step("mux2_1", "A1", A0=0, S=1),
    ),
}
"""By name; each begins at an ideal ramp and ends at the output of its last cell."""


def levels(path: tuple[Step, ...], first: int) -> list[int]:
    """The level of every net of a path, from its input, for one level of the input."""
    net_levels = [first]
    for each in path:
        cell = catalogue.cell(each.cell)
        net_levels.append(cell.value(each.output, {**each.side, each.pin: net_levels[-1]}))
    return net_levels


class Chain:
    """A path on the bench at a corner of typical, slow or fast transistors."""

    def __init__(
        self,
        characteriser: Characteriser,
        path: tuple[Step, ...],
        process: str,
        point: tuple[float, float],
    ) -> None:
        self.path, self.simulator = path, characteriser.simulator
        self.corner = characteriser.corner(process, *point)
        self.layouts = characteriser.layouts
        self.card = model_card(characteriser.models, settings.TIMING_MODELS[process])
        self.slew_s = self.corner.fo4_s
        self.window_s = 4 * len(self.path) * self.corner.fo4_s
        self.simulator.load(self._deck(None))

    def _deck(self, generator: np.random.Generator | None) -> str:
        supply_v = self.corner.supply_v
        lines = [
            "* path",
            OPTIONS.format(gmin=1e-15, abstol=1e-14),
            f".temp {self.corner.temperature_c:g}",
            f"v_supply vpwr 0 dc {supply_v:g}",
            "v_in net0 0 dc 0 pwl(0 0 1 0)",
        ]
        for place, each in enumerate(self.path):
            lines += self._cell(place, each, self.layouts[each.cell], generator)
            lines.append(f"cl{place} net{place + 1} 0 {WIRE_F:.6e}")
        return "\n".join([*lines, ".end"])

    def _cell(
        self, place: int, each: Step, layout: CellLayout, generator: np.random.Generator | None
    ) -> list[str]:
        names = {each.pin: f"net{place}", each.output: f"net{place + 1}"}
        names |= {pin: "vpwr" if level else "0" for pin, level in each.side.items()}

        def node(name: str) -> str:
            if name in SUPPLY_NETS:
                return SUPPLY_NETS[name]
            return names.get(name, f"x{place}_{net(name)}")

        lines = []
        for number, d in enumerate(layout.devices):
            model = f"d{place}_{number}"
            card = self.card(model, d.kind, d.width_m, d.length_m)
            lines += (card if generator is None else drawn(card, d, generator)).splitlines()
            lines.append(
                f"m{place}_{number} {node(d.drain)} {node(d.gate)} {node(d.source)}"
                f" {'vpwr' if d.kind == 'p' else '0'} {model}"
                f" w={d.width_m:.6e} l={d.length_m:.6e} m={d.count}"
                f" ad={d.area_drain_m2:.6e} as={d.area_source_m2:.6e}"
                f" pd={d.perimeter_drain_m:.6e} ps={d.perimeter_source_m:.6e}"
                f" sa={d.stress_source_m - settings.STRESS_INSET_M:.6e}"
                f" sb={d.stress_drain_m - settings.STRESS_INSET_M:.6e}"
                f" nrd={d.contact_drain_ohm:.6g} nrs={d.contact_source_ohm:.6g}"
            )
        for number, ((first, second), value) in enumerate(sorted(layout.wire_f.items())):
            if node(first) != node(second):
                lines.append(f"cw{place}_{number} {node(first)} {node(second)} {value:.6e}")
        return lines

    def draw(self, generator: np.random.Generator) -> None:
        """Put new transistors into the circuit."""
        self.simulator.load(self._deck(generator))

    def delay_s(self, rises: bool) -> float:
        """From the input's edge to the path's end, at half the supply."""
        supply_v, ramp_s = self.corner.supply_v, self.slew_s * RAMP_PER_SLEW
        start, end = (0.0, supply_v) if rises else (supply_v, 0.0)
        up = bool(levels(self.path, int(rises))[-1])
        for _ in range(8):
            begin_s = 0.01 * self.window_s
            points = f"0 {start} {begin_s:.9e} {start} {begin_s + ramp_s:.9e} {end} 1 {end}"
            self.simulator.command(f"alter @v_in[pwl] = [ {points} ]")
            step_s, last = self.window_s / POINTS_PER_WINDOW, f"net{len(self.path)}"
            got = self.simulator.run(
                f"tran {step_s:.6e} {self.window_s:.6e} 0 {step_s:.6e}", ["time", last]
            )
            time_s, volt = got["time"], got[last] - supply_v / 2
            passed = np.flatnonzero((volt[:-1] < 0) != (volt[1:] < 0))
            if len(passed) and (volt[-1] > 0) == up:
                at = passed[-1]
                part = volt[at] / (volt[at] - volt[at + 1])
                middle_s = begin_s + ramp_s / 2
                return float(time_s[at] + part * (time_s[at + 1] - time_s[at]) - middle_s)
            self.window_s *= 1.7
        raise SimulationError("the path does not settle")


def drawn(card: str, device: Device, generator: np.random.Generator) -> str:
    """The model of a transistor with other parameters, drawn from their distributions."""
    for parameter in SLOPES[device.kind]:
        match = re.search(rf"\b{parameter}\s*=\s*(\S+)", card)
        if match is None:
            raise ValueError(f"a model has no {parameter}")
        stated = float(match[1])
        unit = stated if parameter == "toxe" else 1.0
        changed = stated + generator.standard_normal() * deviation(device, parameter) * unit
        card = f"{card[: match.start()]}{parameter}={changed:.9e}{card[match.end() :]}"
    return card


def sample(
    characteriser: Characteriser, name: str, supply_v: float, draws: int, seed: int
) -> dict[str, object]:
    """Delays of a path of typical transistors at 25 °C: nominal, and of so many draws [s]."""
    point = (supply_v, settings.NOMINAL_TEMPERATURE_C)
    chain = Chain(characteriser, PATHS[name], "typical", point)
    generator = np.random.default_rng(seed)
    nominal_s = chain.delay_s(True)
    delays_s = []
    for _ in range(draws):
        chain.draw(generator)
        delays_s.append(chain.delay_s(True))
    return {
        "path": name,
        "supply_v": supply_v,
        "slew_s": chain.slew_s,
        "nominal_s": nominal_s,
        "delays_s": delays_s,
    }


def key_of(characteriser: Characteriser, name: str, supply_v: float, *draws: int) -> str:
    """Digest of all that a sample follows from: code, cells with their models, corner, draws."""
    models = settings.TIMING_MODELS["typical"]
    scale = characteriser.corner_key("typical", supply_v, settings.NOMINAL_TEMPERATURE_C)
    code = [Path(file).read_text() for file in (__file__, mismatch.__file__)]
    cells = [characteriser.key(each.cell, models, code, scale) for each in PATHS[name]]
    return hashlib.sha256(json.dumps([cells, name, supply_v, draws]).encode()).hexdigest()


def save(work: Path, supplies_v: tuple[float, ...] = SUPPLIES_V) -> Path:
    """Sample every path, continuing where it stopped, and write `SAMPLES`."""
    samples = []
    with Characteriser(work) as characteriser:
        for supply_v in supplies_v:
            for name in PATHS:
                parts = []
                for seed, draws in MORE_DRAWS.get((name, supply_v), DRAWS).items():
                    suffix = "" if seed == 1 else f"_seed{seed}"
                    file = work / FOLDER / f"{name}_{supply_v:g}_{draws}{suffix}.json"
                    key = key_of(characteriser, name, supply_v, draws, seed)
                    if read(file, key) is None:
                        sampled = sample(characteriser, name, supply_v, draws, seed)
                        write(file, {"key": key, **sampled})
                    parts.append(json.loads(file.read_text()))
                delays_s = [delay_s for part in parts for delay_s in part["delays_s"]]
                samples.append(parts[0] | {"delays_s": delays_s})
    for each in samples:
        del each["key"]
        each |= {
            "wire_f": WIRE_F,
            "steps": [asdict(each_step) for each_step in PATHS[each["path"]]],
        }
    text = json.dumps(rounded(samples), separators=(",", ":"))
    with SAMPLES.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as out:
        out.write(text.encode())
    return SAMPLES
