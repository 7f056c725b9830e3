"""Chips with named dies in their packages: power, traffic, cost, carbon, temperature."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipdse.application.compose import ChipTable
from chipdse.application.dies import DieSetting, flows_of_tasks
from chipdse.arrays import Floats, Int64s
from chipdse.system.arrays.columns import PackageColumns
from chipdse.technology.constants import Sources

if TYPE_CHECKING:
    from chipdse.system.evaluate import SystemRows


@dataclass(frozen=True, kw_only=True, eq=False)
class OnDies:
    """Chips on their application, whose parts lie on named dies.

    latency_s : of a task [chips]
    area_m2, dynamic_w, leakage_w : of parts and memories of one die [chips x kinds]
    flow_bits : per task, by the name of the flow
    temperature_c : at which leakage was measured [chips]
    """

    setting: DieSetting
    latency_s: Floats
    area_m2: Floats
    dynamic_w: Floats
    leakage_w: Floats
    flow_bits: dict[str, Floats]
    temperature_c: Floats

    @staticmethod
    def of(table: ChipTable, rows: Int64s, setting: DieSetting) -> OnDies:
        """Some chips of a table."""

        def of_dies(columns: dict[str, Floats]) -> Floats:
            return np.column_stack([columns[name][rows] for name in setting.names])

        latency_s = table.latency_s[rows]
        return OnDies(
            setting=setting,
            latency_s=latency_s,
            area_m2=of_dies(table.die_area_m2),
            dynamic_w=of_dies(table.die_dynamic_j) / latency_s[:, None],
            leakage_w=of_dies(table.die_leakage_w),
            flow_bits={name: bits[rows] for name, bits in table.flow_bits.items()},
            temperature_c=table.temperature_c[rows],
        )

    def evaluated(self, packages: PackageColumns, sources: Sources) -> SystemRows:
        """Each chip in its package; a task is the operation of the system.

        `die_area_m2` is that of the largest die.
        """
        from chipdse.system.arrays.temperature import LeakageTable  # solvers, see task_metrics
        from chipdse.system.evaluate import Work, evaluate_dies

        chips, setting = len(self.latency_s), self.setting
        dies = dataclasses.replace(
            setting.dies(self.area_m2, packages, sources),
            dynamic_w=self.dynamic_w,
            static_w=self.leakage_w,
        )
        work = Work(
            throughput_ops_per_s=1 / self.latency_s,
            bits_per_op=np.zeros(chips),
            leak=LeakageTable(
                table_c=np.zeros(0),
                table_w=np.zeros((chips, 0)),
                reference_c=self.temperature_c,
                doubling_k=packages["leakage_doubling_k"],
            ),
            flows=flows_of_tasks(setting.flows, self.flow_bits, self.latency_s),
        )
        rows = evaluate_dies(dies, work, packages, sources)
        return dataclasses.replace(
            rows,
            metrics=dataclasses.replace(rows.metrics, die_area_m2=dies.area_m2.max(axis=1)),
            estimated=rows.estimated | any(setting.moved),
        )
