"""Switching activity of every net: from a recorded run by replay, or from a waveform."""
