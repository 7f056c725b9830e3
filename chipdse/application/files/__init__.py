"""Chip files: parts, memories, dies and an application as a user states them."""
