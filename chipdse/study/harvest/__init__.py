"""Evaluates all cheap points around each expensive one."""
