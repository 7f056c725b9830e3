"""What papers say: pure functions with units, range and reference."""
