"""The stages from a design to a block's timing and power: build, layout, activity, operation."""
