"""What a placer is given: cells, ports, the nets between them, and a core."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chipdse.arrays import Floats, Int32s
from chipdse.errors import DesignError, InfeasibleError
from chipdse.reading import DAMAGED_ARCHIVE


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacementProblem:
    """What is to be placed.

    Nodes below the number of cells are cells, the others ports; pins are sorted by net. Nets
    that wires do not matter for (clocks, nets of one pin) are left out.

    Parameters
    ----------
    pin_net, pin_node : [pins]
    cell_area_m2 : [cells]
    port_count : ports, which may lie anywhere on the border
    core_width_m, core_height_m : the core, from the origin
    target_density : the share of a place that cells may fill, at least area / core area
    port_margin_m : how far outside the core the ports lie
    """

    pin_net: Int32s
    pin_node: Int32s
    cell_area_m2: Floats
    port_count: int
    core_width_m: float
    core_height_m: float
    target_density: float
    port_margin_m: float = 0.0

    def __post_init__(self) -> None:
        cells, pins = len(self.cell_area_m2), len(self.pin_net)
        if self.pin_net.ndim != 1 or self.pin_node.shape != self.pin_net.shape:
            raise DesignError("a placement needs one net and one node for each pin, as lists")
        if pins and not 0 <= int(self.pin_node.min()) <= int(self.pin_node.max()) < self.nodes:
            raise DesignError(f"a pin's node lies outside the {self.nodes} cells and ports")
        if pins and (np.diff(self.pin_net) < 0).any():
            raise DesignError("the pins of a placement must be sorted by net")
        if not (self.core_width_m > 0 and self.core_height_m > 0 and self.port_margin_m >= 0):
            raise DesignError("the core must have a width and a height above 0")
        if cells and not (np.isfinite(self.cell_area_m2).all() and self.cell_area_m2.min() > 0):
            raise DesignError("every cell to be placed needs an area above 0")
        if not 0 < self.target_density <= 1:
            raise DesignError(f"target_density={self.target_density!r} must lie in (0, 1]")
        if self.utilisation > self.target_density * (1 + 1e-9):
            raise InfeasibleError(
                f"the cells fill {self.utilisation:.1%} of the core, more than the density of "
                f"{self.target_density:.1%} allows; enlarge the core"
            )

    @property
    def nodes(self) -> int:
        """Cells and ports."""
        return len(self.cell_area_m2) + self.port_count

    @property
    def utilisation(self) -> float:
        """Share of the core that the cells fill."""
        return float(self.cell_area_m2.sum()) / (self.core_width_m * self.core_height_m)


def read_problem(path: Path) -> tuple[PlacementProblem, float]:
    """A placement problem from arrays in a file, and the half-perimeter length it states [m].

    The file (NumPy's npz) holds, in micrometres: ``pin_net`` and ``pin_node`` sorted by net,
    ``cells``, ``ports``, ``cell_area_um2``, ``core_width_um``, ``core_height_um`` and
    ``target_density``. Where it holds a placement too, ``placed_x_um`` and ``placed_y_um``, only
    how far outside the core its ports lie is taken from that.

    Raises
    ------
    DesignError : not such a file
    """
    um = 1e-6
    try:
        with path.open("rb") as raw, np.load(raw) as data:
            cells = int(data["cells"])
            width, height = float(data["core_width_um"]), float(data["core_height_um"])
            margin = 0.0
            if "placed_x_um" in data and int(data["ports"]):
                x, y = data["placed_x_um"][cells:], data["placed_y_um"][cells:]
                margin = max(0.0, float(min(-x.min(), -y.min(), x.max() - width, y.max() - height)))
            area = data["cell_area_um2"].astype(np.float64)
            if area.shape != (cells,):
                raise DesignError(f"{path}: {len(area)} areas of {cells} cells; give one per cell")
            problem = PlacementProblem(
                pin_net=data["pin_net"],
                pin_node=data["pin_node"],
                cell_area_m2=area * (um * um),
                port_count=int(data["ports"]),
                core_width_m=width * um,
                core_height_m=height * um,
                target_density=float(data["target_density"]),
                port_margin_m=margin * um,
            )
            stated = float(data["reference_hpwl_um"]) if "reference_hpwl_um" in data else math.nan
    except DAMAGED_ARCHIVE as error:
        if isinstance(error, OSError) and error.strerror:
            why = f"placement problem {path} cannot be read: {error.strerror}"
            raise DesignError(why) from error
        reason = repr(str(error))[1:-1] if zipfile.is_zipfile(path) else "no .npz archive"
        raise DesignError(f"{path} is no placement problem ({reason})") from error
    return problem, stated * um
