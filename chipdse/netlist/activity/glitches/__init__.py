"""Replay with delays, which counts glitches."""
