"""Modules that are equal but for names: which ones, and their texts for synthesis."""
