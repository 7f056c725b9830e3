"""Reads mapped netlists in Verilog."""
