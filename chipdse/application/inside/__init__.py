"""One chip, looked into: its layers, supplies, dies and floorplan."""
