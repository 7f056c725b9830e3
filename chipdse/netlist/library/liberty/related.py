"""Which pins a Liberty `related_pin` names."""

from __future__ import annotations

from chipdse.netlist.library.liberty.syntax import Group, LibertyFile


class RelatedPins:
    """Finds the pins that `related_pin` names, buses bit by bit."""

    def __init__(
        self, file: LibertyFile, cell: Group, place: dict[str, int], buses: dict[str, list[str]]
    ) -> None:
        self.file = file
        self.cell = cell
        self.place = place
        self.buses = buses
        self.internal = {
            name
            for pin in cell.of_kind("pin")
            if pin.text("direction") == "internal"
            for name in pin.names()
        }

    def pins(self, group: Group, *attributes: str) -> list[int]:
        """Library-wide pin numbers, each once."""
        result: list[int] = []
        for attribute in attributes:
            text = group.text(attribute)
            for name in dict.fromkeys((text or "").replace('"', " ").replace(",", " ").split()):
                if name in self.buses:
                    result += [self.place[bit] for bit in self.buses[name]]
                elif name in self.place:
                    result.append(self.place[name])
                elif name not in self.internal:
                    self.file.fail(
                        f"{attribute} names {name!r}, which is no pin of cell {self.cell.name()!r}",
                        group.offset,
                    )
        return result
