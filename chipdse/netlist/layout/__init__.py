"""Estimates before layout: placement, wires, buffers and the clock tree."""
