"""The names of samplers, apart from them: the command line shows the names in its help."""

SAMPLERS = ("auto", "gp", "grid", "lattice", "nsga2", "random", "tpe")
"""Names of samplers; `chipdse.study.search.samplers` makes them."""
