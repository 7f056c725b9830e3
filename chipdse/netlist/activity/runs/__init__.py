"""Runs of a netlist side by side, each with its own state, and the weighted changes of each."""
