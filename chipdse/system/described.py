"""A described system: its dies, however unlike, in one package."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from chipdse.errors import DesignError
from chipdse.records import Absent, BlockMetrics, check_knobs, knob, read_absent
from chipdse.system.arrays.columns import BlockPoints, Dies, PackageColumns
from chipdse.system.arrays.dies import interface_area
from chipdse.system.arrays.flows import Flows
from chipdse.system.arrays.temperature import LeakageTable
from chipdse.system.evaluate import Parts, Work, evaluate_dies, evaluate_pairs
from chipdse.system.metrics import SystemMetrics
from chipdse.system.parameters import STACKS, PackageParameters
from chipdse.system.thermal.nested_meshes import CELLS
from chipdse.technology.constants import Constant, Sources

_ROLES = ("compute", "memory")


@dataclass(frozen=True, kw_only=True)
class Die:
    """One kind of die; powers, throughput, price and carbon are those of one die.

    A third-party die is bought: it needs no design, and its area includes its interface. Without
    a price or carbon of its own it is made at its node like any other.
    """

    name: str = knob("die", "as reports call it")
    count: int = knob(1, "how many", minimum=1, maximum=64)
    role: str = knob("compute", "a memory serves the other dies", choices=_ROLES)
    area_m2: float = knob(1e-4, "area without interfaces", "m2", minimum=1e-9, maximum=1.0)
    unique_area_m2: float | None = knob(
        None,
        "area that is designed, where tiles repeat",
        "m2",
        kind=float,
        minimum=0.0,
        maximum=1.0,
        absent=Absent(written=0, meaning="all of the area"),
    )
    node_nm: float = knob(7.0, "process", "nm", minimum=3.0, maximum=1000.0)
    dynamic_power_w: float = knob(0.0, "at full throughput", "W", minimum=0.0, maximum=1e5)
    leakage_power_w: float = knob(0.0, "leakage", "W", minimum=0.0, maximum=1e5)
    leakage_temperature_c: float = knob(
        25.0, "temperature of the leakage figure", "°C", minimum=-55.0, maximum=250.0
    )
    leakage_doubling_k: float | None = knob(
        None,
        "leakage doubles every so many kelvins",
        "K",
        kind=float,
        above=0.0,
        maximum=1000.0,
        absent=Absent(written=0, meaning="constant leakage"),
    )
    throughput_ops_per_s: float = knob(0.0, "operations", "1/s", minimum=0.0, maximum=1e24)
    third_party: bool = knob(False, "bought, not designed")
    price_usd: float | None = knob(
        None,
        "of a tested die",
        "USD",
        kind=float,
        minimum=0.0,
        absent=Absent(written=-1, meaning="computed from area and node"),
    )
    carbon_kgco2e: float | None = knob(
        None,
        "of a die",
        "kg",
        kind=float,
        minimum=0.0,
        absent=Absent(written=-1, meaning="computed from area and node"),
    )

    def __post_init__(self) -> None:
        read_absent(self)
        check_knobs(self, f"die {self.name!r}")


@dataclass(frozen=True, kw_only=True)
class BlockDie(Die):
    """A die of copies of a measured block.

    The records of the block and of the package have checked what it is computed from. It has no
    limits of its own, so that every system that can be scored can be looked into.
    """

    def __post_init__(self) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Data between two kinds of dies, both directions together, whatever the throughput.

    ends : names of the dies; the same name twice: among the dies of that kind
    """

    ends: tuple[str, str]
    bits_per_s: float


@dataclass(frozen=True, kw_only=True)
class System:
    """Dies in a package.

    package : everything but the dies; its `chiplets`, `tiles` and `memory_dies` are not used
    bits_per_op : data a die exchanges with others for each operation
    traffic_bits_per_s : data exchanged whatever the throughput, in place of `bits_per_op`; None:
        `bits_per_op` counts
    traffic : between dies that are known, in place of both; side by side they are neighbours, in a
        stack the dies lie in their order, lowest first
    interposer_area_m2 : what the dies must fit on; None: as large as they need
    constants : the user's own figures, e.g. of a custom link; they come before the tables'
    """

    name: str
    dies: tuple[Die, ...]
    package: PackageParameters
    bits_per_op: float = 0.0
    traffic_bits_per_s: float | None = None
    traffic: tuple[Traffic, ...] = ()
    interposer_area_m2: float | None = None
    constants: tuple[Constant, ...] = ()

    def __post_init__(self) -> None:
        if not self.dies:
            raise DesignError(f"system {self.name!r} has no dies; add a [[die]] table")
        names = [d.name for d in self.dies]
        twice = {n for n in names if names.count(n) > 1}
        if twice:
            raise DesignError(
                f"system {self.name!r} has several dies named {min(twice)!r};"
                " give each kind its own name, or use count"
            )
        if all(d.role == "memory" for d in self.dies):
            raise DesignError(f"system {self.name!r} has memory dies only; add a compute die")
        doubling = {d.leakage_doubling_k for d in self.dies if d.leakage_power_w > 0}
        at = {d.leakage_temperature_c for d in self.dies if d.leakage_power_w > 0}
        if len(doubling) > 1 or len(at) > 1:
            raise DesignError(
                f"system {self.name!r}: dies that leak must give the same"
                " leakage_temperature_c and leakage_doubling_k"
            )
        for each in self.traffic:
            self._check_traffic(each)

    def _check_traffic(self, traffic: Traffic) -> None:
        """Raise DesignError for traffic between dies that there are not."""
        counts = {die.name: die.count for die in self.dies}
        for name in traffic.ends:
            if name not in counts:
                raise DesignError(
                    f"system {self.name!r}: traffic to die {name!r}, which is unknown; the dies "
                    f"are {', '.join(counts)}"
                )
        if traffic.ends[0] == traffic.ends[1] and counts[traffic.ends[0]] < 2:
            raise DesignError(
                f"system {self.name!r}: traffic between die {traffic.ends[0]!r} and itself; name "
                "two dies, or use count"
            )

    @property
    def die_count(self) -> int:
        """Dies in the package."""
        return sum(d.count for d in self.dies)


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """A system's metrics, and what reports and pictures draw from."""

    system: System
    metrics: SystemMetrics
    parts: Parts
    columns: PackageColumns
    sources: Sources
    leak: LeakageTable

    @property
    def complaints(self) -> tuple[str, ...]:
        """One line for each violated limit: the culprit, by how much, what to do."""
        return tuple(_complaint(self, k, v) for k, v in self.metrics.violations.items())


def from_block(block: BlockMetrics, package: PackageParameters) -> System:
    """The flat description of a sweep as a system, for reports and pictures."""
    tiles = math.ceil(package.tiles / package.chiplets)
    area = tiles * block.area_m2 * (1 + package.die_overhead_frac)
    share = package.tiles / package.chiplets
    compute = BlockDie(
        name="die",
        count=package.chiplets,
        area_m2=area,
        unique_area_m2=block.area_m2 + tiles * block.area_m2 * package.die_overhead_frac,
        node_nm=block.node_nm if package.node_nm is None else package.node_nm,
        dynamic_power_w=share * block.dynamic_power_w,
        leakage_power_w=share * block.leakage_power_w,
        leakage_temperature_c=block.temperature_c,
        leakage_doubling_k=package.leakage_doubling_k,
        throughput_ops_per_s=share * block.throughput_ops_per_s,
    )
    dies: list[Die] = [compute]
    if package.memory_dies:
        dies.append(
            Die(
                name="memory",
                count=package.memory_dies,
                role="memory",
                third_party=True,
                area_m2=package.memory_area_m2,
                node_nm=package.memory_node_nm,
                dynamic_power_w=package.memory_power_w,
            )
        )
    return System(
        name=package.arrangement,
        dies=tuple(dies),
        package=package,
        bits_per_op=block.io_bits_per_op,
    )


def evaluate_block(
    block: BlockMetrics, package: PackageParameters, constants: tuple[Constant, ...] = ()
) -> Evaluation:
    """A measured block in a package, with what reports and pictures draw from.

    constants : figures of the user, which come before the tables'

    The metrics are those of `chipdse.system.evaluate.evaluate_system`, which scores points.
    """
    sources, columns = Sources.of(constants), PackageColumns.of([package])
    points = BlockPoints.of([block])
    rows = evaluate_pairs(points, columns, sources)
    return Evaluation(
        system=from_block(block, package),
        metrics=rows.arrays((1, 1), sources).at(0, 0),
        parts=rows.parts,
        columns=columns,
        sources=sources,
        leak=LeakageTable.of(points, columns),
    )


def evaluate_described(
    system: System,
    *,
    cells: int = CELLS,
    package: PackageColumns | None = None,
    sources: Sources | None = None,
) -> Evaluation:
    """All metrics of a described system; limits that are missed are in its constraints.

    Parameters
    ----------
    package : instead of the parameters that the system states
    sources : instead of new ones with the figures of the user
    """
    sources = Sources.of(system.constants) if sources is None else sources
    columns = PackageColumns.of([system.package]) if package is None else package
    dies = _dies(system, columns, sources)
    leaky = next((d for d in system.dies if d.leakage_power_w > 0), system.dies[0])
    ops = sum(d.count * d.throughput_ops_per_s for d in system.dies)
    counted = ops > 0
    if not counted:
        ops = 1.0  # any number: what depends on it is left undefined below
    traffic = system.traffic_bits_per_s
    bits = system.bits_per_op if traffic is None else traffic / ops
    work = Work(
        throughput_ops_per_s=np.array([ops]),
        bits_per_op=np.array([bits]),
        leak=LeakageTable(
            table_c=np.zeros(0),
            table_w=np.zeros((1, 0)),
            reference_c=np.array([leaky.leakage_temperature_c]),
            doubling_k=np.array([leaky.leakage_doubling_k], dtype=np.float64),
        ),
        flows=_flows(system),
    )
    rows = evaluate_dies(dies, work, columns, sources, cells=cells)
    leak = work.leak
    limits = dict(rows.constraints)
    if traffic is not None or system.traffic:
        limits["link_bandwidth"] = 1 - rows.parts.link.utilisation_limit
    if system.interposer_area_m2 is not None:
        stacked = system.package.arrangement in STACKS
        needed = float(dies.footprint_m2[0] if stacked else dies.silicon_m2[0])
        limits["interposer"] = np.array([needed / system.interposer_area_m2 - 1])
    metrics = rows.metrics
    if not counted:
        undefined = np.array([np.nan])
        metrics = dataclasses.replace(
            metrics,
            throughput_ops_per_s=undefined,
            energy_per_op_j=undefined,
            carbon_per_op_kgco2e=undefined,
        )
    rows = dataclasses.replace(rows, metrics=metrics, constraints=limits)
    return Evaluation(
        system=system,
        metrics=rows.arrays((1, 1), sources).at(0, 0),
        parts=rows.parts,
        columns=columns,
        sources=sources,
        leak=leak,
    )


def _flows(system: System) -> Flows | None:
    if not system.traffic:
        return None
    place = {die.name: kind for kind, die in enumerate(system.dies)}
    return Flows(
        ends=tuple((place[each.ends[0]], place[each.ends[1]]) for each in system.traffic),
        bits_per_s=np.array([[each.bits_per_s for each in system.traffic]]),
    )


def _dies(system: System, columns: PackageColumns, sources: Sources) -> Dies:
    def row(name: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """A number of each die; NaN where it has none."""
        return np.array([[getattr(d, name) for d in system.dies]], dtype=np.float64)

    logic = row("area_m2")
    bought = np.array([[d.third_party for d in system.dies]])
    memory = np.array([[d.role == "memory" for d in system.dies]])
    several = np.array([system.die_count > 1])
    extra, modules = interface_area(logic, several, columns, sources)
    unique, price, carbon = row("unique_area_m2"), row("price_usd"), row("carbon_kgco2e")
    return Dies(
        names=tuple(d.name for d in system.dies),
        area_m2=logic + np.where(bought, 0.0, extra),
        logic_m2=logic,
        unique_m2=np.where(np.isnan(unique), logic, unique),
        count=row("count"),
        node_nm=row("node_nm"),
        is_designed=~bought,
        memory=memory,
        modules=modules,
        dynamic_w=row("dynamic_power_w"),
        static_w=row("leakage_power_w"),
        price_usd=price,
        carbon_kg=carbon,
    )


def _complaint(evaluation: Evaluation, limit: str, amount: float) -> str:
    package, dies = evaluation.system.package, evaluation.parts.dies
    largest = int(np.argmax(np.where(dies.is_designed[0], dies.area_m2[0], 0)))
    name, area = dies.names[largest], dies.area_m2[0, largest] * 1e6
    reticle = evaluation.sources("cost.reticle_area") * 1e6
    link = package.link
    texts = {
        "reticle": f"die {name!r} of {area:.4g} mm2 exceeds the reticle of {reticle:.4g} mm2 by"
        f" {amount:.2%}; split it",
        "wafer": f"the interposer for {dies.silicon_m2[0] * 1e6:.4g} mm2 of dies does not fit a"
        " wafer; use fewer or smaller dies",
        "interposer": f"dies of {dies.silicon_m2[0] * 1e6:.4g} mm2 exceed the interposer of"
        f" {(evaluation.system.interposer_area_m2 or 0) * 1e6:.4g} mm2 by {amount:.2%}; enlarge it",
        "link_pitch_m": f"link {link!r} needs bonds {amount * 1e6:.4g} um finer than arrangement"
        f" {package.arrangement!r} has; use another link or arrangement",
        "link_reach_m": f"link {link!r} is {amount * 1e3:.4g} mm longer than its reach;"
        " use another link or arrangement",
        "link_rate_per_s": f"link {link!r} is {amount / 1e9:.4g} GT/s outside its rates;"
        " change link_transfers_per_s",
        "link_edge": f"no interface module of link {link!r} fits on the edge of a die;"
        " raise link_edge_frac or use larger dies",
        "link_bandwidth": f"link {link!r} carries {amount:.2%} less than the traffic needs;"
        " raise link_edge_frac or use another link",
        "temperature_k": f"the hottest die is {amount:.4g} K above the limit of"
        f" {package.temperature_limit_c:.4g} °C; cool better or spend less power",
        "runaway": "leakage and temperature have no stable point (thermal runaway);"
        " cool better or spend less power",
        "leakage_table_k": f"a die is {amount:.4g} K outside the library's temperatures",
        "conductivity_table_k": f"a die is {amount:.4g} K outside the temperatures for which the"
        " conductivity of silicon is known; cool better or spend less power",
    }
    return texts[limit]
