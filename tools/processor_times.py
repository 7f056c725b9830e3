"""Processor time of each test, with that of the programs it starts: a plugin of pytest.

    pytest -p tools.processor_times tests/store      # or PYTEST_ADDOPTS=... make test
    python -m tools.processor_times times            # the sums by file, largest first

Each process of the run writes a line per test into a file of the folder that PROCESSOR_TIMES names
(`times` by default). The time of a fixture counts for the test that needs it first. Other programs
on the machine change processor time less than elapsed time; compare two runs at the same load.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

_FOLDER = Path(os.environ.get("PROCESSOR_TIMES", "times")).absolute()


def _processor_s() -> float:
    """User and system time of this process and of those that it has waited for [s]."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    start = _processor_s()
    done = yield
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / f"{os.getpid()}.jsonl").open("a") as lines:
        lines.write(json.dumps([item.nodeid, round(_processor_s() - start, 3)]) + "\n")
    return done


def seconds_by_file(folder: Path) -> Counter[str]:
    """Processor seconds of each file of tests."""
    sums: Counter[str] = Counter()
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            test, seconds = json.loads(line)
            sums[test.partition("::")[0]] += seconds
    return sums


if __name__ == "__main__":
    seconds_of = seconds_by_file(Path(sys.argv[1]))
    for name, seconds in [("all", seconds_of.total()), *seconds_of.most_common()]:
        print(f"{seconds:8.1f} s  {name}")
