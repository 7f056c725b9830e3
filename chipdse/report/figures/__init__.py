"""Figures of studies and tables for papers."""
