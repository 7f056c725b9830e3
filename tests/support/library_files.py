"""A Liberty file small enough to work out by hand: one inverter, constant tables."""

from __future__ import annotations

from pathlib import Path

LIBERTY = """
library ("tiny_{process}") {{
  time_unit : "1ns"; voltage_unit : "1V"; capacitive_load_unit (1, pf); leakage_power_unit : "1nW";
  /* operating_conditions ("wrong") {{ voltage : 9; }} */
  operating_conditions ("{process}_{volts}") {{
    voltage : {volts}; temperature : {celsius}; process : 1;
  }}
  default_operating_conditions : "{process}_{volts}";
  lu_table_template ("t") {{
    variable_1 : "input_net_transition"; variable_2 : "total_output_net_capacitance";
    index_1 ("0.1, 0.2"); index_2 ("0.1, 0.2");
  }}
  cell ("{cell}") {{
    area : 2; cell_leakage_power : {leak};
    pin ("A") {{ direction : "input"; capacitance : 0.001; }}
    pin ("Y") {{
      direction : "output"; function : "!A";
      timing () {{
        related_pin : "A"; timing_sense : "negative_unate";
        cell_rise ("t") {{ values ("{d}, {d}", "{d}, {d}"); }}
        cell_fall ("t") {{ values ("{d}, {d}", "{d}, {d}"); }}
        rise_transition ("t") {{ values ("{d}, {d}", "{d}, {d}"); }}
        fall_transition ("t") {{ values ("{d}, {d}", "{d}, {d}"); }}
      }}
    }}
  }}
}}
"""


def liberty(folder: Path, name: str, **given: object) -> Path:
    values = {"process": "tt", "volts": 1.0, "celsius": 25, "cell": "inv", "leak": 1, "d": 0.1}
    path = folder / name
    path.write_text(LIBERTY.format(**values | given))
    return path
