"""Liberty files of a user's own cells, from their SPICE netlists by simulation with ngspice."""
