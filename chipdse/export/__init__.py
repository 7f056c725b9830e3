"""Files for other tools: Verilog, constraints, activity, benches, 3DBlox; and results read back."""
