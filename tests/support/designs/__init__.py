"""Designs that several tests map, time or replay."""
