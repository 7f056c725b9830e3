"""The search: from a sweep file to a Pareto front."""
