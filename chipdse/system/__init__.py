"""From block to system: packages, links, temperature, cost, carbon. Pure models."""
