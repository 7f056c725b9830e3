"""Extracted wires of a routed netlist: reads SPEF files and adds their delays and loads."""
