"""Power with glitches, and what of it the glitches cost."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse.arrays import Floats
from chipdse.netlist.power.power import GROUPS, Power


@dataclass(frozen=True, kw_only=True, eq=False)
class GlitchPower:
    """Power without glitches and with them; the difference is what the glitches cost.

    Leakage is the same in both: glitches move no settled state.
    """

    functional: Power
    total: Power

    @property
    def internal_w(self) -> Floats:
        """Internal power of glitches, by instance [K, cells]."""
        difference_w: Floats = self.total.internal_w - self.functional.internal_w
        return difference_w

    @property
    def switching_w(self) -> Floats:
        """Switching power of glitches, by instance [K, cells]."""
        difference_w: Floats = self.total.switching_w - self.functional.switching_w
        return difference_w

    @property
    def glitch_w(self) -> Floats:
        """Power of glitches [K]."""
        both: Floats = (self.internal_w + self.switching_w).sum(axis=1)
        return both

    @property
    def glitch_energy_j(self) -> Floats:
        """Energy of glitches a clock cycle [K]."""
        energy: Floats = self.glitch_w * self.total.clock_period_s
        return energy

    def by_group(self) -> dict[str, Floats]:
        """Power of glitches of each group of cells [K]."""
        power_w = self.internal_w + self.switching_w
        return {
            name: power_w[:, self.total.group == number].sum(axis=1)
            for number, name in enumerate(GROUPS)
        }
