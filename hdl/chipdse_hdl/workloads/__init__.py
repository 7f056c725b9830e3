"""Stimulus: operands, signals and words, the same everywhere for the same seed."""
