"""What other tools take: Verilog, constraints, activity."""
