"""Readers of VCD, FST and SAIF."""
