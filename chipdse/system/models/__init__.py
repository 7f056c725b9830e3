"""Published models as pure functions with units, range of validity and reference."""
