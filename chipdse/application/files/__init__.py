"""Chip files: what a user states of parts, memories, dies and an application."""
