"""chipdse: from a parameterised Amaranth block to a Pareto front over energy, cost and carbon."""

__version__ = "0.1.0"
