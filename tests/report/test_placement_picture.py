"""Nothing of the picture of a placement is cut off, however few the cells and long the names."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from chipdse.netlist.layout.wires import Routes
from chipdse.netlist.power.modules import Modules
from chipdse.report.pictures.placement import SIZE_IN, draw_placement
from tests.support.netlist_cases import netlist_of

NOTE = (
    "hottest spot of the die 1.2 mK above an even one, beyond the temperatures for which silicon's "
    "conductivity is known"
)


@pytest.mark.slow
@pytest.mark.few_cases(4)
@pytest.mark.parametrize("size_in", [SIZE_IN, (8.0, 4.2)])
@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("long_names", [False, True])
def test_every_edge_of_the_picture_is_blank(
    tmp_path: Path, size_in: tuple[float, float], aspect: float, long_names: bool
) -> None:
    count, core_m = 14, 2e-5
    body = "".join(f"wire n{i}; INV g{i} (.A(a), .Y(n{i}));" for i in range(count))
    netlist = netlist_of(body + "INV o (.A(a), .Y(y));")
    cells = netlist.cell_count
    places = np.linspace(0.1, 0.9, cells)
    routes = Routes(
        level="placed",
        net_length_m=np.zeros(netlist.net_count),
        pin_distance_m=np.zeros(len(netlist.pin_net)),
        port_distance_m=np.zeros(len(netlist.output_nets)),
        core_width_m=core_m,
        core_height_m=core_m * aspect,
        cell_x_m=places * core_m,
        cell_y_m=places * core_m * aspect,
        overflow=0.0,
    )
    names = tuple(f"a_rather_long_name_{i}" if long_names else f"m{i}" for i in range(13))
    modules = Modules(names=names, of_cell=np.arange(cells, dtype=np.int32) % 13)
    path = tmp_path / "placement.png"
    draw_placement(routes, netlist, modules, np.full(cells, 1e-6), path, NOTE, size_in)
    pixels = matplotlib.image.imread(path)[..., :3].min(axis=2)
    margin = 15
    for edge in (pixels[:margin], pixels[-margin:], pixels[:, :margin], pixels[:, -margin:]):
        assert edge.min() == 1.0
