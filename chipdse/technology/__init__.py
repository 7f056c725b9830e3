"""Constants of processes, packages and energy, each with its source."""
