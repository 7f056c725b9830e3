"""Wires as a router's extraction states them: SPEF files, and what they do to a netlist."""
