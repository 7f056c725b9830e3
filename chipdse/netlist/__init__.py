"""From a netlist of cells and a recorded run to timing and power, as NumPy arrays."""
