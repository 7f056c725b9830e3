"""A small library whose tables are worked by hand, and netlists of its cells."""

from __future__ import annotations

from pathlib import Path

from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.verilog.reader import read_verilog

# Every delay table is bilinear over a 2 x 2 grid of slew 0, 1 ns and load 0, 1 pF, so that
# inside and outside it equals  base + 0.2 * slew + 2 * load  (ns, ns, pF).
_HEAD = """
library (tiny) {
  /* a comment */
  delay_model : table_lookup;
  time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1mA";
  capacitive_load_unit (1, pf); leakage_power_unit : "1nW"; pulling_resistance_unit : "1kohm";
  nom_voltage : %(volts)s; nom_temperature : %(degrees)s;
  operating_conditions (typical) { process : 1; voltage : %(volts)s; temperature : %(degrees)s; }
  default_operating_conditions : typical;
  lu_table_template (delay) {
    variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("0, 1"); index_2 ("0, 1");
  }
  lu_table_template (check) {
    variable_1 : related_pin_transition; variable_2 : constrained_pin_transition;
    index_1 ("0, 1"); index_2 ("0, 1");
  }
  power_lut_template (energy) { variable_1 : input_transition_time; index_1 ("0, 1"); }
"""


def _table(kind: str, base: float, slew: float = 0.2, load: float = 2.0) -> str:
    rows = f'"{base:g}, {base + load:g}", "{base + slew:g}, {base + slew + load:g}"'
    return f"{kind} (delay) {{ values ({rows}); }}"


def arc(
    related: str,
    sense: str,
    rise: float,
    fall: float,
    *,
    kind: str = "combinational",
    when: str = "",
) -> str:
    """A timing group: delays `rise` and `fall`, slews half of them, all plus slew and load."""
    condition = f'when : "{when}";' if when else ""
    return (
        f'timing () {{ related_pin : "{related}"; timing_type : {kind}; timing_sense : {sense}; '
        f"{condition} {_table('cell_rise', rise)} {_table('cell_fall', fall)} "
        f"{_table('rise_transition', rise / 2)} {_table('fall_transition', fall / 2)} }}"
    )


def check(related: str, kind: str, rise: float, fall: float) -> str:
    """A constraint: its time plus 0.2 times the data slew."""
    tables = " ".join(
        f'{edge}_constraint (check) {{ values ("{base:g}, {base + 0.2:g}", '
        f'"{base:g}, {base + 0.2:g}"); }}'
        for edge, base in (("rise", rise), ("fall", fall))
    )
    return f'timing () {{ related_pin : "{related}"; timing_type : {kind}; {tables} }}'


def _input(name: str, capacitance: float = 0.002, more: str = "") -> str:
    return f'pin ({name}) {{ direction : "input"; capacitance : {capacitance}; {more} }}'


def _flip_flop(name: str, edge: str, clocked_on: str) -> str:
    checks = check("CK", f"setup_{edge}", 0.05, 0.06) + check("CK", f"hold_{edge}", 0.01, 0.02)
    return f"""
  cell ({name}) {{
    area : 10;
    cell_leakage_power : 4;
    ff (IQ, IQN) {{ clocked_on : "{clocked_on}"; next_state : "D"; }}
    {_input("CK", 0.001, "clock : true;")}
    {_input("D", 0.002, checks)}
    pin (Q) {{ direction : output; function : "IQ";
      {arc("CK", "non_unate", 0.3, 0.35, kind=f"{edge}_edge")} }}
  }}"""


_GATE_CHECKS = check("CK", "setup_rising", 0.1, 0.1) + check("CK", "hold_rising", 0.02, 0.02)
CELLS = f"""
  cell (INV) {{
    area : 1.5;
    cell_leakage_power : 1;
    leakage_power () {{ when : "A"; value : 3; }}
    leakage_power () {{ when : "!A"; value : 1; }}
    {_input("A")}
    pin (Y) {{ direction : output; function : "!A"; {arc("A", "negative_unate", 0.1, 0.08)} }}
  }}
  cell (BUF) {{
    area : 2
    {_input("A", 0.003)}
    pin (Y) {{ direction : output; function : "A"; {arc("A", "positive_unate", 0.12, 0.13)} }}
  }}
  cell (NAND2) {{
    area : 2;
    {_input("A")} {_input("B", 0.0025)}
    pin (Y) {{ direction : output; function : "(A B)'";
      {arc("A", "negative_unate", 0.11, 0.09)} {arc("B", "negative_unate", 0.1, 0.085)} }}
  }}
  cell (XOR2) {{
    area : 3;
    {_input("A", 0.004)} {_input("B", 0.004)}
    pin (Y) {{ direction : output; function : "A ^ B";
      {arc("A", "positive_unate", 0.2, 0.19, when="!B")}
      {arc("A", "negative_unate", 0.21, 0.18, when="B")}
      {arc("B", "positive_unate", 0.2, 0.19, when="!A")}
      {arc("B", "negative_unate", 0.21, 0.18, when="A")} }}
  }}
  cell (TIEHI) {{ area : 1; pin (Y) {{ direction : output; function : "1"; }} }}
  {_flip_flop("DFF", "rising", "CK")}
  {_flip_flop("DFFN", "falling", "!CK")}
  cell (LATCH) {{
    area : 8;
    latch (IQ, IQN) {{ enable : "G"; data_in : "D"; }}
    {_input("G", 0.002, "clock : true;")} {_input("D")}
    pin (Q) {{ direction : output; function : "IQ"; {arc("D", "positive_unate", 0.2, 0.2)} }}
  }}
  cell (GATE) {{
    area : 12;
    clock_gating_integrated_cell : "latch_posedge";
    statetable ("CK EN", "M") {{ table : "L L : - : L, L H : - : H, H - : - : N"; }}
    pin (M) {{ direction : internal; internal_node : "M"; }}
    {_input("CK", 0.003, "clock : true; clock_gate_clock_pin : true;")}
    {_input("EN", 0.002, "clock_gate_enable_pin : true;" + _GATE_CHECKS)}
    pin (GCK) {{ direction : output; clock_gate_out_pin : true; state_function : "CK*M";
      {arc("CK", "positive_unate", 0.15, 0.16)} }}
  }}
  cell (TRI) {{
    area : 3; {_input("A")} {_input("EN")}
    pin (Y) {{ direction : output; function : "A"; three_state : "!EN";
      {arc("A", "positive_unate", 0.2, 0.2)} }}
  }}
"""


def liberty_text(cells: str = CELLS, volts: float = 1.0, degrees: float = 25.0) -> str:
    """The small library as text."""
    return _HEAD % {"volts": volts, "degrees": degrees} + cells + "\n}\n"


def tiny_library(text: str | None = None) -> CellLibrary:
    """The small library, read."""
    return read_liberty([Path("tiny.lib")], [(text or liberty_text()).encode()])


def netlist_of(
    body: str, library: CellLibrary | None = None, ports: str = "clk, a, b, y"
) -> Netlist:
    """A module `top` with inputs clk, a, b and output y around instances."""
    inputs = [name for name in ports.replace(" ", "").split(",") if name != "y"]
    text = (
        f"module top ({ports});\n"
        + "".join(f"  input {name};\n" for name in inputs)
        + ("  output y;\n" if "y" in ports else "")
        + body
        + "\nendmodule\n"
    )
    return read_verilog(Path("top.v"), library or tiny_library(), text=text)
