"""Steps that run tools and keep folders: elaborate, simulate, synthesise."""
