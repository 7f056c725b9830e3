"""Whole models of other people, restated for comparison."""
