"""The search: sweep files, search spaces, samplers, execution, fronts."""
