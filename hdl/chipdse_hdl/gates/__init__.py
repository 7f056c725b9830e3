"""Arithmetic that blocks share: compressors, Booth rows, pipelined products."""
