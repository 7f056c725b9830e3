"""What the records of parameters refuse, each in one line that says what to write."""

import dataclasses
from typing import Any

import pytest

from chipdse.design import OperatingPoint, PhysicalOptions
from chipdse.errors import DesignError
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.records import as_written, written_defaults
from chipdse.system.described import Die
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


@pytest.mark.parametrize(
    ("kind", "name", "written"),
    [
        (PhysicalOptions, "calibration", ""),
        (PhysicalOptions, "glitch_cycles", 0),
        (SynthesisOptions, "clock_gating", 0),
        (SynthesisOptions, "memory_macro_bits", 0),
        (PackageParameters, "node_nm", 0.0),
        (PackageParameters, "interface_area_frac", 0),
        (PackageParameters, "leakage_doubling_k", 0),
        (Die, "leakage_doubling_k", 0),
        (Die, "unique_area_m2", 0),
        (Die, "price_usd", -1),
        (Die, "carbon_kgco2e", -1),
    ],
)
def test_the_value_that_a_file_writes_for_none_is_none(
    kind: type, name: str, written: float | str
) -> None:
    record = kind(**{name: written})
    assert getattr(record, name) is None
    assert record == kind(**{name: None})
    (field,) = (field for field in dataclasses.fields(kind) if field.name == name)
    assert as_written(field, None) == written  # it can be written into a file again
    assert f"{written!r}".rstrip("0").rstrip(".") in field.metadata["doc"]


def test_false_is_not_read_as_the_number_0() -> None:
    with pytest.raises(DesignError, match="glitch_cycles=False must be of type int"):
        PhysicalOptions(glitch_cycles=False)


def test_a_message_states_how_to_leave_the_limit_out() -> None:
    with pytest.raises(DesignError) as refused:
        PhysicalOptions(glitch_cycles=-1)
    assert "use >= 1, or 0: every cycle of the run" in str(refused.value)
    with pytest.raises(DesignError) as refused:
        PackageParameters(leakage_doubling_k=-3.0)
    assert "use > 0.0 K, or leave it out: constant leakage" in str(refused.value)


def test_rules_read_defaults_as_a_file_writes_them() -> None:
    # A rule such as "clock_gating == 0" compares numbers, not None.
    assert written_defaults(SynthesisOptions)["clock_gating"] == 0
    assert written_defaults(PhysicalOptions)["glitch_cycles"] == 512
    assert "vdd_v" not in written_defaults(OperatingPoint)
