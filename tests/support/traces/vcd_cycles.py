"""Changes of every net between clock edges, from the text of a dump by Icarus; for traces' tests.

It shares no code with the readers of `chipdse`, so that it can check them.
"""

from __future__ import annotations

import bisect
import re
from pathlib import Path

import numpy as np

from chipdse.netlist.netlist import Netlist


def changes_per_cycle(dump: Path, scope: str, netlist: Netlist, edges: list[int]) -> np.ndarray:
    """Transitions [cycles, nets] from each of the times `edges` to just before the next one."""
    head, _, body = dump.read_text().partition("$enddefinitions $end")
    bits: dict[str, list[int]] = {}
    path: list[str] = []
    for line in head.splitlines():
        words = line.split()
        if words[:1] == ["$scope"]:
            path.append(words[2])
        elif words[:1] == ["$upscope"]:
            path.pop()
        elif words[:1] == ["$var"] and ".".join(path) == scope:
            width, code, name = int(words[2]), words[3], words[4].removeprefix("\\")
            name = name.removeprefix("\\")
            first, last = 0, width - 1
            if match := re.fullmatch(r"\[(\d+):(\d+)\]", words[5]):
                last, first = int(match[1]), int(match[2])
            names = [name] if width == 1 else [f"{name}[{n}]" for n in range(first, last + 1)]
            nets = [netlist.nets_by_name.get(each, -1) for each in names]
            bits.setdefault(code, nets)
    counts = np.zeros((len(edges) - 1, netlist.net_count), dtype=np.int64)
    value = [-1] * netlist.net_count
    cycle, names_of_net = -1, {}
    for code, nets in bits.items():
        for net in nets:
            names_of_net.setdefault(net, code)
    for line in body.splitlines():
        if line.startswith("#"):
            cycle = bisect.bisect_right(edges, int(line[1:])) - 1
            continue
        if line[:1] in "01xz":
            text, code = line[:1], line[1:].strip()
        elif line.startswith("b"):
            text, code = line[1:].split()
        else:
            continue
        for place, net in enumerate(bits.get(code, [])):
            # A short vector is extended by zeros; several names of one net change together.
            bit = text[-1 - place] if place < len(text) else "0"
            if net < 0 or names_of_net[net] != code:
                continue
            new = int(bit) if bit in "01" else -1
            if new != value[net] and value[net] >= 0 and 0 <= cycle < len(counts):
                counts[cycle, net] += 1
            value[net] = new
    return counts
