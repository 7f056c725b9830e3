"""Areas of dies with their interfaces, and tables over the process node, for arrays of systems."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats, Numbers
from chipdse.sorting import among, distinct
from chipdse.system.arrays.columns import BlockPoints, Choices, Dies, PackageColumns
from chipdse.system.models import links
from chipdse.system.parameters import STACKS
from chipdse.technology.constants import Sources, load_constants

BOND = {
    "monolithic": "organic",
    "organic": "organic",
    "fanout_chip_last": "fanout",
    "fanout_chip_first": "fanout",
    "silicon_interposer": "silicon",
    "active_interposer": "silicon",
    "bridge": "silicon",
    "glass": "glass",
    "stack_microbump": "silicon",
    "stack_hybrid": "hybrid",
}
ADVANCED = (
    "fanout_chip_last",
    "fanout_chip_first",
    "silicon_interposer",
    "active_interposer",
    "glass",
)
FANOUT = ("fanout_chip_last", "fanout_chip_first")
SILICON = ("silicon_interposer", "active_interposer")


def by_node(sources: Sources, entry: str, node_nm: Floats) -> Floats:
    """A table over process nodes at any node: log-log between entries, the coarsest beyond.

    Between entries and beyond the coarsest the value is an estimate (see `node_is_tabulated`):
    older processes have fewer steps, so the held value is an upper bound.
    """
    # Systems have few different nodes: logarithms are taken of each once.
    each_nm, place = distinct(np.asarray(node_nm))
    nodes, values = sources.nodes(entry, each_nm.tolist())
    if any(np.ndim(value) for value in values):
        return _by_node_and_row(nodes, values, node_nm)
    if any(v <= 0 for v in values):
        each = np.interp(numerics.log(each_nm), _logs(tuple(nodes)), values)
        return np.asarray(each[place])
    logs = np.interp(numerics.log(each_nm), _logs(tuple(nodes)), _logs(tuple(values)))
    return np.asarray(numerics.exp(logs)[place])


def _by_node_and_row(nodes: Sequence[float], values: Sequence[Numbers], node_nm: Floats) -> Floats:
    """As `by_node`, where the table has values of its own for each row."""
    rows = max(np.size(value) for value in values)
    logs = numerics.log(np.stack([np.broadcast_to(value, rows) for value in values]))
    places = np.interp(numerics.log(node_nm), _logs(tuple(nodes)), np.arange(len(nodes)))
    low = np.minimum(places.astype(np.int64), len(nodes) - 2)
    share = places - low
    row = np.arange(rows).reshape(-1, *(1,) * (np.ndim(node_nm) - 1))
    below, above = logs[low, row], logs[low + 1, row]
    return np.asarray(numerics.exp(below + share * (above - below)))


@lru_cache(maxsize=1024)
def _logs(values: tuple[float, ...]) -> Floats:
    """Logarithms of a table's column, which many evaluations share; not to be changed."""
    return np.asarray(numerics.log(values))


def of_rows(value: Numbers, at: Bools) -> Numbers:
    """A constant for some rows of an evaluation: itself, or where it has one per row, theirs."""
    return np.asarray(value)[at] if np.ndim(value) else value


def link_column(sources: Sources, entry: str, link: Choices, missing: float) -> Floats:
    """A link table's value for each row; `missing` where the standard has no such figure."""
    keys = [f"links.{entry}.{name}" for name in link.names]
    return link.lookup([sources(k) if sources.has(k) else missing for k in keys])


def interface_area(
    logic_m2: Floats, several: Bools, package: PackageColumns, sources: Sources
) -> tuple[Floats, Floats]:
    """Area that links add to each die [systems x kinds], and interface modules on its edge.

    Side by side: as many modules as the given share of the edge holds, or the given share of the
    area; a standard without published modules takes the share Chiplet Actuary gives any
    interface. In a stack: through-silicon vias (ECO-CHIP).
    """
    arrangement, link = package.choices["arrangement"], package.choices["link"]
    stacked = arrangement.among(*STACKS)
    module_edge = link_column(sources, "module_edge", link, np.inf)
    module_area = link_column(sources, "module_area", link, 0.0)
    edge = 4 * np.sqrt(logic_m2) * package["link_edge_frac"][:, None]
    flat = (several & ~stacked)[:, None]
    modules = np.where(flat, links.modules_on_edge(edge, module_edge[:, None]), 0.0)
    unknown = np.where(np.isinf(module_edge), sources("cost.interface_area_frac"), 0.0)
    stated = package["interface_area_frac"]
    share = np.where(np.isnan(stated), unknown, stated)[:, None]
    area = np.where(share > 0, share * logic_m2, modules * module_area[:, None])
    side = np.asarray(links.modules_on_edge(np.sqrt(logic_m2), sources("cost.tsv_pitch")))
    vias = numerics.square(side) * numerics.square(sources("cost.tsv_size"))
    return np.where(flat, area, np.where(stacked[:, None], vias, 0.0)), modules


def dies_of(blocks: BlockPoints, package: PackageColumns, sources: Sources) -> Dies:
    """Areas and counts of the dies of each system."""
    chiplets, memory = package["chiplets"], package["memory_dies"]
    several = chiplets + memory > 1
    tiles = np.ceil(package["tiles"] / chiplets)
    tile_area = tiles * blocks.area_m2
    overhead = tile_area * package["die_overhead_frac"]
    logic = np.stack([tile_area + overhead, package["memory_area_m2"]], axis=1)
    node = np.where(np.isnan(package["node_nm"]), blocks.node_nm, package["node_nm"])
    extra, modules = interface_area(logic, several, package, sources)
    extra[:, 1] = 0.0  # a third-party die's area includes its interface
    is_block = np.zeros(logic.shape, dtype=np.bool_)
    is_block[:, 0] = True
    unknown = np.full(logic.shape, np.nan)
    share = package["tiles"] / chiplets
    # Without memory dies no figure of their process is read, nor recorded as a source.
    memory_node = np.where(memory > 0, package["memory_node_nm"], node)
    return Dies(
        names=("die", "memory"),
        area_m2=logic + extra,
        logic_m2=logic,
        unique_m2=np.stack([blocks.area_m2 + overhead, np.zeros(package.count)], axis=1),
        count=np.stack([chiplets, memory], axis=1),
        node_nm=np.stack([node, memory_node], axis=1),
        is_designed=is_block,
        memory=~is_block,
        modules=modules,
        dynamic_w=np.stack([share * blocks.dynamic_power_w, package["memory_power_w"]], axis=1),
        static_w=np.stack([share * blocks.leakage_power_w, np.zeros(package.count)], axis=1),
        price_usd=unknown,
        carbon_kg=unknown,
    )


def node_is_tabulated(node_nm: Floats) -> Bools:
    """Whether cost and carbon of a node come from a table entry, not from an estimate."""
    tables = load_constants()
    known = {
        k.rpartition(".n")[2]
        for k in tables
        if k.startswith("carbon.fab_energy.n")
        and f"cost.wafer_price.n{k.rpartition('.n')[2]}" in tables
    }
    return among(node_nm, [float(n) for n in known])
