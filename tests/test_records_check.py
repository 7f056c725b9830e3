"""What the records of parameters refuse, each in one line that says what to write."""

from typing import Any

import pytest

from chipdse.design import OperatingPoint, PhysicalOptions
from chipdse.errors import DesignError
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.system.parameters import PackageParameters


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (OperatingPoint, {"vdd_v": 0}, "vdd_v=0 is too small; use > 0 V"),
        (OperatingPoint, {"vdd_v": "1.8"}, "vdd_v='1.8' must be of type float"),
        (OperatingPoint, {"temperature_c": float("nan")}, "temperature_c=nan is not finite"),
        (OperatingPoint, {"clock_frac": 1.5}, "clock_frac=1.5 is too large; use <= 1"),
        (OperatingPoint, {"clock_period_s": -1e-9}, "clock_period_s=-1e-09 is too small"),
        (PhysicalOptions, {"wires": "real"}, "wires='real' is unknown; use one of auto, none"),
        (PhysicalOptions, {"glitches": 1}, "glitches=1 must be true or false"),
        (PhysicalOptions, {"glitch_cycles": 2.5}, "glitch_cycles=2.5 must be of type int"),
        (PhysicalOptions, {"utilisation": 0.99}, "utilisation=0.99 is too large; use <= 0.95"),
        (SynthesisOptions, {"target_period_s": 0.0}, "target_period_s=0.0 is too small; use > 0 s"),
        (SynthesisOptions, {"effort": "most"}, "effort='most' is unknown; use one of quick, full"),
        (SynthesisOptions, {"hierarchy": "deep"}, "hierarchy='deep' is unknown; use one of flat"),
        (SynthesisOptions, {"seed": True}, "seed=True must be of type int, e.g. 0"),
        (PackageParameters, {"tiles": 0}, "package tiles=0 is too small; use >= 1"),
    ],
)
def test_a_value_outside_its_field_is_refused(
    kind: type, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(DesignError) as refused:
        kind(**values)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_limits_themselves_are_allowed() -> None:
    OperatingPoint(clock_frac=1, vdd_v=None, clock_period_s=None)
    PhysicalOptions(utilisation=0.95, aspect=10, glitch_cycles=0)
    SynthesisOptions(clock_gating=0, target_period_s=None)
