"""From block to system: packages, links, temperature, cost and carbon."""
