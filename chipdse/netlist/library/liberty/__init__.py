"""The grammar, reader and writer of Liberty files.

A file is read in this order; a fault is in the first of these files whose result is wrong:

- `syntax.py`: text to groups and attributes with their positions (quotes, comments, lists)
- `head.py`: units, operating conditions, voltages and slew thresholds of a library
- `reader.py`: cells with pins, timing arcs, power and leakage, of one file
- `cells.py`, `states.py`, `related.py`: pins and functions, flip-flops and latches, pins that an
  arc names
- `tables.py`: look-up tables and their templates
- `collector.py`: what all files of a library contain, as the arrays of a `CellLibrary`

Tests: `tests/netlist/library/test_liberty_grammar.py` has spellings that every reader must
understand or refuse (a spelling is a text in a list), `test_liberty_reader.py` has values.
"""
