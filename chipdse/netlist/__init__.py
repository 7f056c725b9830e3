"""Liberty, netlist, activity, timing and power as NumPy arrays."""
