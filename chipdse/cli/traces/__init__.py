"""Verbs of power over time: `trace` and `leakage`."""
