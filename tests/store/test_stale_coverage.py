"""A stage opens no file and runs no code that its key does not know.

Every stage is built in a process of its own, in which an audit hook sees each file that Python
opens and a tracer each function that runs, while the stage's builder runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import kernels, stale_projects

SCRIPT = """
import json, os, sys
from pathlib import Path

project, block, root = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
sys.path.insert(0, str(project / "elsewhere"))
import chipdse
from chipdse.design import Design, LibraryChoice, OperatingPoint, find_block
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.evaluate import evaluate
from chipdse.store.store import Store
from chipdse.store import source_files, sources
from chipdse.store.reads import recorded_reads

PACKAGE = str(Path(chipdse.__file__).parent) + os.sep
known, active, opened, executed = {}, [], {}, {}

hash_of = sources._hash_of
def noting(builders, data):
    paused, active[:] = active[:], []  # a hash of all code reads files that the stage does not use
    found = hash_of(builders, data)
    active[:] = paused
    files = (*sources._files_of(builders).values(), *map(source_files.data_file, data))
    known[found] = set(map(str, files))
    return found
sources._hash_of = noting

def audit(event, arguments):
    if active and event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        writes = isinstance(arguments[1], str) and set(arguments[1]) & set("wax")
        for stage in active:
            if not writes:
                opened[stage].add(os.path.realpath(os.fsdecode(arguments[0])))
sys.addaudithook(audit)

noted = set()  # files of which a function ran in each of the active stages
def trace(frame, event, argument):  # called when a function begins; no line of it is traced
    file = frame.f_code.co_filename
    if not active or file in noted or not file.startswith(PACKAGE):
        return
    if "<module>" not in (frame.f_code.co_name, frame.f_back and frame.f_back.f_code.co_name):
        noted.add(file)
        for stage in active:
            executed[stage].add(file)

inputs_of, folders = {}, {}
def watched(method):
    def folder(self, stage, inputs, build, *more):
        inputs_of[stage] = json.loads(json.dumps(dict(inputs)))
        def builds(target):
            active.append(stage)
            opened.setdefault(stage, set()); executed.setdefault(stage, set())
            noted.clear()
            sys.settrace(trace)
            try:
                return build(target)
            finally:
                active.remove(stage)
                if not active:
                    sys.settrace(None)
        folders[stage] = method(self, stage, inputs, builds, *more)
        return folders[stage]
    return folder
Store.folder = watched(Store.folder)
Store.folder_by_reads = watched(Store.folder_by_reads)

PLACES = {"python": ("b:B", "blocks"), "memory": ("memory.toml", "hw"),
          "shared": ("copies.toml", "hw"), "traced": ("aes_sbox", "")}
OPTIONS = {"memory": SynthesisOptions(memory_macro_bits=64),
           "shared": SynthesisOptions(hierarchy="shared")}
POINTS = {"guaranteed": OperatingPoint(view="guaranteed"), "slow": OperatingPoint(process="slow")}
name, folder = PLACES.get(block, ("unit.toml", "hw"))
found = find_block(name, project / folder)
given = {"unit": "sbox", "structure": "composite"} if block == "traced" else {}
design = Design(block=found, parameters=found.parameters(**given),
                workload=found.workload(length=20),
                library=LibraryChoice(name="sky130"),
                synthesis=OPTIONS.get(block, SynthesisOptions()),
                operating=POINTS.get(block, OperatingPoint()))
store = Store(root=root)
evaluate(design, store)
if block == "traced":
    from chipdse.stages.build import build_hardware
    from chipdse.stages.trace_figures import trace_figures
    from chipdse.trace_metrics import MAX_T, PEAK_POWER, TraceOptions, Traced
    traced = Traced(names=(PEAK_POWER, MAX_T), options=TraceOptions(traces=512))
    _, hardware = build_hardware(design, store)
    trace_figures(traced, design, hardware, store, [design.operating])

def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in (value.values() if isinstance(value, dict) else value):
            yield from texts(part)

answer = {}
for stage, inputs in inputs_of.items():
    files = set().union(*(known.get(text, set()) for text in texts(inputs)))
    recorded = recorded_reads(folders[stage])
    reads = [os.path.realpath(project / read.name) for read in recorded if read.kind == "file"]
    answer[stage] = {
        "known": sorted(files),
        "reads": reads,
        "opened": sorted(opened.get(stage, ())),
        "executed": sorted(executed.get(stage, ())),
    }
print(json.dumps(answer))
"""
MEMORY = """
module memory (input clk, input rst, input write, input [4:0] at, input [7:0] x,
               output reg [7:0] y);
  reg [7:0] words [0:31];
  always @(posedge clk) begin
    if (write) words[at] <= x;
    y <= words[at];
  end
endmodule
"""
COPIES = """
module lane (input clk, input rst, input [3:0] x, output reg [3:0] y);
  reg [3:0] sum;
  always @(posedge clk)
    if (rst) begin sum <= 0; y <= 0; end
    else begin sum <= sum * 4'd5 ^ x; y <= sum + y; end
endmodule
module copies (input clk, input rst, input [15:0] x, output [15:0] y);
  lane lanes [3:0] (.clk(clk), .rst(rst), .x(x), .y(y));
endmodule
"""
DESCRIPTION = 'sources = ["memory.v"]\ntop = "memory"\nclock = "clk"\nreset = "rst"\n'
STAGES = {
    "python": {"elaborate", "simulate", "synthesise", "measure", "wires", "glitches"},
    "memory": {"elaborate", "memories", "simulate", "synthesise", "measure", "wires", "glitches"},
    "guaranteed": {"synthesise", "measure", "wires", "glitches", "guarantee"},
    "slow": {"elaborate", "simulate", "synthesise", "measure", "wires", "glitches"},
    "shared": {"synthesise", "map-module", "measure", "wires", "glitches"},
    "traced": {"simulate", "synthesise", "measure", "peaks", "revealed"},
}
# Modules that check or keep, and make nothing; and a table that is in the key by its values. The
# catalogue finds the files of a library by its name; the hashes of these files are in the key.
CHECKS = ("chipdse/store/", "chipdse/hardware/store", "chipdse/paths.py", "chipdse/errors.py")
CHECKS += ("chipdse/stages/library.py", "chipdse/netlist/library/catalogue.py")
CHECKS += ("chipdse/hardware/workload_files.py",)  # files named by a workload did not change
BY_VALUE = "technology/data/sram.toml"
LIBRARY = ("sky130", "sky130_slow", "sky130_fast", "sky130_mismatch")


SCRATCH = "yosys-liberty-scl-cache"
"""Yosys makes it of the Liberty file, for ABC, and names it without its folder."""


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("block", STAGES)
def test_a_stage_opens_and_runs_only_what_its_key_knows(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = stale_projects.write(tmp_path / "project")
    (project / "hw/memory.v").write_text(MEMORY)
    (project / "hw/memory.toml").write_text(DESCRIPTION)
    (project / "hw/copies.v").write_text(COPIES)
    (project / "hw/copies.toml").write_text(DESCRIPTION.replace("memory", "copies"))
    # Without kernels and libraries: a stage that makes them opens what they are made of.
    cache = kernels.lend(tmp_path / "cache", ("closures",))
    monkeypatch.setenv("CHIPDSE_CACHE", str(cache))
    command = [sys.executable, "-c", SCRIPT, str(project), block, str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    stages = json.loads(done.stdout.splitlines()[-1])
    assert set(stages) >= STAGES[block]
    for stage, found in stages.items():
        unknown = [
            name
            for name in found["executed"]
            if name not in found["known"] and not any(part in name for part in CHECKS)
        ]
        assert not unknown, f"{stage} runs code that is not in its key: {unknown}"
        unknown = [
            name
            for name in found["opened"]
            if name not in {*found["known"], *found["reads"]}
            and counts(name, tmp_path, project)
            and not Path(name).name.startswith(SCRATCH)
        ]
        assert not unknown, f"{stage} opens files that are not in its key: {unknown}"


def counts(name: str, tmp_path: Path, project: Path) -> bool:
    """Whether a file is not part of Python, of the stage's own folder, or of its library."""
    if name.endswith(
        (".py", ".pyc", BY_VALUE, *(f"technology/data/{name}.npz" for name in LIBRARY))
    ):
        return False  # code is checked as it runs; a library's hash is in the key
    if name.endswith("unused.vh"):
        return False  # searched for names before Yosys runs, which does not read it
    inside = Path(name).is_relative_to(tmp_path) and not Path(name).is_relative_to(project)
    system = name.startswith(("/proc/", "/sys/", "/dev/", sys.prefix, sys.base_prefix, "/usr/"))
    return not inside and not system
