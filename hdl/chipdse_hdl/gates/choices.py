"""Choices that parameters of several blocks offer, and how they are documented.

Apart from the gates themselves, so that parameters and references import no hardware.
"""

from __future__ import annotations

COMPRESSIONS = ("array", "wallace", "dadda")
"""Structures that add up partial products (`chipdse_hdl.gates.compression.compress`)."""
PIPELINE_DOC = (
    "registers between multiplier input and adder: 0 none, 1 after the multiplier, "
    "2 also across its middle"
)
PIPELINE_CUTS_DOC = "registers across the gates, so that the stages are about equally deep"
GATING_DOC = (
    "none: registers load in every cycle; idle: only with something to load, so that a clock gate "
    "can stop them"
)
