"""The steps that run tools: elaborate, simulate and synthesise a block, with its memories."""
