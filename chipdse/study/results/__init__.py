"""Tables of points, the Pareto front, its knee, and the comparison of studies."""
