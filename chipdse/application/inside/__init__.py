"""The details of one chip: its layers, supplies, dies and floorplan."""
