"""Keeps the results of stages under a hash of all that they depend on, code and files included."""
