"""Ranges of results: the constants as their sources give them, drawn many times."""
