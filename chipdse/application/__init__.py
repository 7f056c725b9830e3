"""Applications: networks as layers, their mapping to measured arrays and memories.

layer tables -> tiles on arrays -> traffic of buffer and DRAM -> latency and energy per layer
"""
