"""Embodied carbon; arrays of systems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats
from chipdse.system.arrays.columns import Choices, Dies, PackageColumns
from chipdse.system.arrays.cost import bridge_count
from chipdse.system.arrays.dies import ADVANCED, FANOUT, SILICON, by_node
from chipdse.system.arrays.fabrication import Fabrication
from chipdse.system.models import carbon
from chipdse.system.parameters import STACKS
from chipdse.technology.constants import Constant, Sources, load_constants
from chipdse.technology.own_figures import own_grid


@dataclass(frozen=True, kw_only=True, eq=False)
class CarbonResult:
    """kg CO2e a good system over its life. `low` and `high` carry the sources' ranges."""

    dies_kg: Floats
    edge_kg: Floats
    yield_kg: Floats
    interposer_kg: Floats
    bonding_kg: Floats
    package_kg: Floats
    design_kg: Floats
    embodied_low_kg: Floats
    embodied_high_kg: Floats

    @property
    def embodied_kg(self) -> Floats:
        """Everything before use."""
        return (
            self.dies_kg
            + self.edge_kg
            + self.yield_kg
            + self.interposer_kg
            + (self.bonding_kg + self.package_kg + self.design_kg)
        )


def grid_values(choice: Choices, sources: Sources) -> tuple[Floats, Floats, Floats]:
    """Intensity of each row's grid, and the range its source gives [kg/J]."""
    intensities = [grid_of(name, sources) for name in choice.names]
    return (
        choice.lookup([c.value for c in intensities]),
        choice.lookup([c.low for c in intensities]),
        choice.lookup([c.high for c in intensities]),
    )


def grid_of(name: str, sources: Sources) -> Constant:
    """The intensity of a grid by its name, or of the user's own by its text."""
    for entry in ("intensity", "intensity_canada"):
        if f"grids.{entry}.{name}" in load_constants():
            return sources.constant(f"grids.{entry}.{name}")
    return sources.untabled(own_grid(name))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Wafers:
    """What the carbon of dies follows from; energy, gases and material of each kind of die.

    published : carbon per area by imec.netzero, for the systems `imec`
    """

    dies: Dies
    fabrication: Fabrication
    energy: Floats
    gas_95: Floats
    gas_99: Floats
    material: Floats
    wafer_m2: float
    assembly_yield: Floats
    test_yield: Floats
    imec: Bools
    published: Floats | None

    @staticmethod
    def of(
        package: PackageColumns, dies: Dies, fabrication: Fabrication, sources: Sources
    ) -> _Wafers:
        arrangement = package.choices["arrangement"]
        assembled = fabrication.placement_yield * fabrication.quality
        first = arrangement.among("fanout_chip_first")
        assembly_yield = np.where(first, fabrication.interposer_yield, 1.0) * assembled
        on_substrate = arrangement.among(*ADVANCED) | arrangement.among(*STACKS)
        assembly_yield = assembly_yield * np.where(on_substrate, fabrication.last_yield, 1.0)
        test_yield = fabrication.passed
        if fabrication.wafer_to_wafer.any():
            test_yield = np.where(
                fabrication.wafer_to_wafer[:, None], fabrication.together[:, None], test_yield
            )
        imec = package.choices["fab_carbon"].among("imec_netzero")
        return _Wafers(
            dies=dies,
            fabrication=fabrication,
            energy=by_node(sources, "carbon.fab_energy", dies.node_nm),
            gas_95=by_node(sources, "carbon.fab_gas_95", dies.node_nm),
            gas_99=by_node(sources, "carbon.fab_gas_99", dies.node_nm),
            material=by_node(sources, "carbon.fab_material", dies.node_nm),
            wafer_m2=np.pi * numerics.square(sources("cost.wafer_diameter")) / 4,
            assembly_yield=assembly_yield,
            test_yield=test_yield,
            imec=imec,
            published=(
                by_node(sources, "carbon.fab_carbon_imec", dies.node_nm) if imec.any() else None
            ),
        )

    def silicon(self, intensity: Floats, gases: Floats) -> tuple[Floats, Floats, Floats]:
        """Carbon of the dies of each system, of the edges of their wafers, and lost by yield."""
        dies = self.dies
        die_kg, wafer_kg = self.die(intensity, gases)
        net = (dies.count * die_kg).sum(axis=1)
        gross = dies.count * wafer_kg
        edge = gross.sum(axis=1) - net
        tested = self.tested()
        return net, edge, (gross / tested).sum(axis=1) / self.assembly_yield - net - edge

    def die(self, intensity: Floats, gases: Floats) -> tuple[Floats, Floats]:
        """Carbon of one die of each kind by its area, and with its share of the wafer's edge."""
        dies = self.dies
        cpa = np.asarray(
            carbon.wafer_area_carbon(intensity[:, None], self.energy, gases, self.material)
        )
        if self.published is not None:
            cpa = np.where(self.imec[:, None], self.published, cpa)
        given = ~np.isnan(dies.carbon_kg)
        die_kg = np.where(given, dies.carbon_kg, cpa * dies.area_m2)
        wafer_kg = cpa * self.wafer_m2 / self.fabrication.dies_on_wafer
        return die_kg, np.where(given, die_kg, wafer_kg)

    def tested(self) -> Floats:
        """Share of the dies of each kind that pass the test; 1 where carbon of a die is stated."""
        return np.where(np.isnan(self.dies.carbon_kg), self.test_yield, 1.0)


def tested_die_kg(
    package: PackageColumns, dies: Dies, fabrication: Fabrication, sources: Sources
) -> Floats:
    """Carbon of a die of each kind that passes the test, dies that fail included [kg]."""
    grid, _, _ = grid_values(package.choices["grid_fab"], sources)
    wafers = _Wafers.of(package, dies, fabrication, sources)
    gas = np.asarray(
        carbon.gas_at_abatement(wafers.gas_95, wafers.gas_99, package["gas_abatement"][:, None])
    )
    return np.asarray(wafers.die(grid, gas)[1] / wafers.tested())


def carbon_of(
    package: PackageColumns, dies: Dies, fabrication: Fabrication, sources: Sources
) -> CarbonResult:
    """Embodied carbon: ACT's wafers, 3D-Carbon's edge waste, bonding and package, ECO-CHIP's
    design."""
    sources.cite("gupta2022act", "zhao2024threedcarbon", "sudarshan2024ecochip")
    grid, grid_low, grid_high = grid_values(package.choices["grid_fab"], sources)
    wafers = _Wafers.of(package, dies, fabrication, sources)
    gas = np.asarray(
        carbon.gas_at_abatement(wafers.gas_95, wafers.gas_99, package["gas_abatement"][:, None])
    )
    net, edge, lost = wafers.silicon(grid, gas)

    def rest(intensity: Floats) -> tuple[Floats, Floats, Floats]:
        return _package_carbon(
            package, dies, fabrication, intensity, wafers.assembly_yield, sources
        )

    interposer, bonding, body = rest(grid)
    grid_design, _, _ = grid_values(package.choices["grid_design"], sources)
    design = _design_carbon(package, dies, grid_design, sources)
    low = np.sum(wafers.silicon(grid_low, wafers.gas_99), axis=0)
    low = low + np.sum(rest(grid_low), axis=0)
    high = np.sum(wafers.silicon(grid_high, wafers.gas_95), axis=0)
    high = high + np.sum(rest(grid_high), axis=0)
    return CarbonResult(
        dies_kg=net,
        edge_kg=edge,
        yield_kg=lost,
        interposer_kg=interposer,
        bonding_kg=bonding,
        package_kg=body,
        design_kg=design,
        embodied_low_kg=low + design,
        embodied_high_kg=high + design,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class CarbonTerms:
    """Embodied carbon of each system as a function of the grids and of the abatement, in each of
    which it is linear.

    start_kg : with electricity without emissions and the least abatement
    per_grid, per_design_grid : change per intensity where chips are made, and designed [J]
    per_share_kg : change with the share of the way from the least to the largest abatement
    """

    start_kg: Floats
    per_grid: Floats
    per_share_kg: Floats
    per_design_grid: Floats

    def at(self, grid: Floats, abatement: Floats, grid_design: Floats) -> Floats:
        """Embodied carbon [kg] at intensities [kg/J] and an abatement."""
        share = (abatement - carbon.LEAST_ABATEMENT) / carbon.ABATEMENT_SPAN
        fabrication_kg = self.start_kg + grid * self.per_grid + share * self.per_share_kg
        return np.asarray(fabrication_kg + grid_design * self.per_design_grid)


_PROBE_KG_PER_J = 2e-7
"""An intensity of electricity, 720 g/kWh: between zero and it the slope is taken."""


def carbon_terms(
    package: PackageColumns, dies: Dies, fabrication: Fabrication, sources: Sources
) -> CarbonTerms:
    """`carbon_of` for many grids and abatements; equal but for rounding."""
    wafers = _Wafers.of(package, dies, fabrication, sources)

    def embodied_kg(intensity: float, gases: Floats) -> Floats:
        grid = np.full(package.count, intensity)
        rest = _package_carbon(package, dies, fabrication, grid, wafers.assembly_yield, sources)
        return np.asarray(np.sum(wafers.silicon(grid, gases), axis=0) + np.sum(rest, axis=0))

    start = embodied_kg(0.0, wafers.gas_95)
    probe = embodied_kg(_PROBE_KG_PER_J, wafers.gas_95)
    return CarbonTerms(
        start_kg=start,
        per_grid=(probe - start) / _PROBE_KG_PER_J,
        per_share_kg=embodied_kg(0.0, wafers.gas_99) - start,
        per_design_grid=_design_carbon(package, dies, np.ones(package.count), sources),
    )


def _package_carbon(
    package: PackageColumns,
    dies: Dies,
    fabrication: Fabrication,
    grid: Floats,
    assembly_yield: Floats,
    sources: Sources,
) -> tuple[Floats, Floats, Floats]:
    """Interposer, bonding and package body, after 3D-Carbon."""
    arrangement = package.choices["arrangement"]
    stacked = arrangement.among(*STACKS)
    carrier = np.zeros(package.count)
    fanout = arrangement.among(*FANOUT)
    silicon = arrangement.among(*SILICON, "bridge")
    if fanout.any():
        area = sources("carbon.rdl_area_factor") * dies.silicon_m2
        rdl = carbon.process_carbon(grid, sources("carbon.rdl_energy"), area)
        carrier = np.where(fanout, rdl, carrier)
    if silicon.any():
        cpa = np.asarray(
            carbon.wafer_area_carbon(
                grid,
                sources("carbon.interposer_energy"),
                sources("carbon.interposer_gas"),
                sources("carbon.interposer_material"),
            )
        )
        area = fabrication.interposer_m2
        if arrangement.among("bridge").any():
            bridges = bridge_count(dies, sources) * sources("cost.bridge_area")
            area = np.where(arrangement.among("bridge"), bridges, area)
        carrier = np.where(silicon, cpa * area, carrier)
        active = arrangement.among("active_interposer")
        if active.any():
            full = carbon.wafer_area_carbon(
                grid,
                sources("carbon.fab_energy.n28"),
                sources("carbon.fab_gas_95.n28"),
                sources("carbon.fab_material.n28"),
            )
            carrier = np.where(active, np.asarray(full) * area, carrier)
    carrier = carrier / fabrication.interposer_yield / assembly_yield
    joined = np.where(stacked, (dies.total - 1) * dies.footprint_m2, 0.0)
    joined = joined + np.where(fanout | silicon | arrangement.among("glass"), dies.silicon_m2, 0.0)
    way = np.where(
        arrangement.among("stack_hybrid"),
        sources("carbon.bonding_energy.hybrid"),
        sources("carbon.bonding_energy.thermocompression"),
    )
    vias = np.where(stacked, sources("carbon.bonding_energy.tsv") * joined, 0.0)
    bonding = np.asarray(carbon.process_carbon(grid, way, joined)) + grid * vias
    footprint = np.where(stacked, dies.footprint_m2, dies.silicon_m2)
    outline = np.maximum(
        sources("carbon.package_area_factor") * footprint, fabrication.interposer_m2
    )
    body = carbon.process_carbon(grid, sources("carbon.package_energy.flip_chip"), outline)
    return carrier, bonding / assembly_yield, np.asarray(body) / assembly_yield


def _design_carbon(package: PackageColumns, dies: Dies, grid: Floats, sources: Sources) -> Floats:
    density = by_node(sources, "carbon.eco_transistors", dies.node_nm)
    pace = by_node(sources, "carbon.eco_gates_per_hour", dies.node_nm)
    per_die = carbon.design_carbon(
        dies.unique_m2,
        density,
        sources("carbon.eco_transistors_per_gate"),
        pace,
        sources("carbon.eco_core_power"),
        grid[:, None],
        package["design_iterations"][:, None],
    )
    total = np.where(dies.is_designed & (dies.count > 0), per_die, 0.0).sum(axis=1)
    return np.asarray(total / package["volume"] / package["products_sharing"])
