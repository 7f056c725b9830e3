"""The stages after synthesis: activity, layout, timing, power and the operating point."""
