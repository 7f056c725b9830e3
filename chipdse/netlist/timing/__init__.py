"""Static timing: arcs, arrivals, checks, slacks and paths."""
