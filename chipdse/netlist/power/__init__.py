"""Power of a netlist by cell, net, module and state."""
