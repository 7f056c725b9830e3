"""Finds modules that differ in names only, so that one of them is synthesised for all."""
