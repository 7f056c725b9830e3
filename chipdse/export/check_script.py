"""The script of an exported folder that checks it again: only Python and Icarus are needed."""

CHECK_SCRIPT = '''"""Check this design point again.

    python3 check.py             RTL and netlist against the recorded run (needs Icarus)
    python3 check.py --cocotb    the block's own bench on the RTL (needs Icarus, and
                                 pip install -r bench/requirements.txt)
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Icarus reads SystemVerilog by default, and there sets registers before `always @*` blocks listen:
# logic that depends on registers alone would stay unknown. In Verilog-2005 it does not.
STANDARD = "-g2005"
MEMORIES = ["memories.v"] if (HERE / "memories.v").exists() else []


def golden(name, sources):
    """Compile the testbench with `sources` and run it; True if every row was equal."""
    with tempfile.TemporaryDirectory() as scratch:
        program = str(Path(scratch) / "golden.vvp")
        files = [str(HERE / source) for source in ("golden/golden.v", *sources)]
        build = ["iverilog", STANDARD, "-s", "golden", "-o", program, *files]
        done = subprocess.run(build, capture_output=True, text=True)
        if done.returncode == 0:
            run = ["vvp", "-n", program]
            done = subprocess.run(run, cwd=HERE / "golden", capture_output=True, text=True)
    print(f"{name}: {(done.stdout + done.stderr).strip()}")
    return done.returncode == 0


def cocotb_bench():
    """Run the block's cocotb bench; True if every test passed."""
    from cocotb_tools.runner import get_runner

    bench = json.loads((HERE / "bench" / "bench.json").read_text())
    sys.path.insert(0, str(HERE / "bench"))
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    with tempfile.TemporaryDirectory() as scratch:
        runner = get_runner("icarus")
        sources = [HERE / source for source in ("rtl.v", *MEMORIES)]
        runner.build(sources=sources, hdl_toplevel="top", build_dir=scratch,
                     build_args=[STANDARD], timescale=("1ns", "1ps"), always=True)
        environment = {name: json.dumps(value) for name, value in bench["environment"].items()}
        environment["HDL_RESULT"] = "result.json"
        results = runner.test(test_module=bench["module"], hdl_toplevel="top",
                              build_dir=scratch, test_dir=scratch, extra_env=environment)
        return "<failure" not in Path(results).read_text()


def main():
    """0 when every check passed, 1 when one failed, 2 when a tool is missing."""
    if not shutil.which("iverilog"):
        print("iverilog is not installed: sudo apt-get install iverilog", file=sys.stderr)
        return 2
    if sys.argv[1:] == ["--cocotb"]:
        passed = cocotb_bench()
    elif sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    else:
        both = {"rtl": ["rtl.v"], "netlist": ["netlist.v", "cells.v"]}
        passed = all([golden(name, [*files, *MEMORIES]) for name, files in both.items()])
    return 0 if passed else 1


sys.exit(main())
'''
