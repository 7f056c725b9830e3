"""Sweep files: every mistake is refused before anything runs, with the fix."""

from pathlib import Path

import pytest

from chipdse.errors import DesignError
from chipdse.study.question.sweep_file import Sweep, read_sweep

GOOD = """
question = "?"
block = "mac_array"
rules = ["accumulator_bits >= 2 * operand_bits + clog2(depth)"]
[hardware]
rows = { min = 1, max = 4, powers_of_two = true }
operand_bits = [4, 8]
accumulator_bits = [10, 13, 21]
[workload]
depth = 32
length = 64
[library]
name = "sky130"
[operating]
clock_frac = { min = 0.5, max = 1.0, step = 0.25 }
[package]
tiles = 4
chiplets = [1, 4]
arrangement = ["monolithic", "organic"]
[objectives]
energy_per_op_j = "minimize"
throughput_ops_per_s = "maximize"
[limits]
peak_temperature_c = { max = 100 }
[search]
trials = 10
seed = 3
sampler = "random"
"""


def read(tmp_path: Path, text: str) -> Sweep:
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    return read_sweep(path)


def test_a_good_file(tmp_path: Path) -> None:
    sweep = read(tmp_path, GOOD)
    assert [axis.name for axis in sweep.space.axes] == [
        *("rows", "operand_bits", "accumulator_bits", "clock_frac", "chiplets", "arrangement"),
    ]
    points = list(sweep.space.points())
    # rows 3 x (operand, accumulator) in {(4, 13), (4, 21), (8, 21)} x clocks 3 x packages 2:
    # 13 >= 2*4 + 5, 21 >= 2*8 + 5; one die is monolithic, four are not.
    assert len(points) == 3 * 3 * 3 * 2
    design = sweep.template.design(points[0])
    assert design.parameters.rows == 1
    assert design.parameters.columns == 4  # the block's default
    assert design.package.tiles == 4
    assert design.operating.clock_frac == 0.5
    assert (sweep.trials, sweep.seed, sweep.sampler) == (10, 3, "random")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('block = "mac_array"', 'block = "mac_aray"', "did you mean 'mac_array'?"),
        ('block = "mac_array"', "", "block is missing"),
        ("rows = {", "rowz = {", r"\[hardware\]: 'rowz' is not known here; did you mean 'rows'?"),
        ("[package]", "[packages]", "'packages' is not known here; did you mean 'package'?"),
        ("operand_bits = [4, 8]", "operand_bits = [4, 99]", "operand_bits=99 is too large"),
        ("operand_bits = [4, 8]", 'operand_bits = ["4"]', "operand_bits='4' must be of type int"),
        ("[10, 13, 21]", "[10, 13, 13]", "hardware.accumulator_bits = .* repeats a value"),
        ("2 * operand_bits", "2 * operandbits", "'operandbits' is not a parameter; did you mean"),
        ("accumulator_bits >=", "accumulator_bits = ", "is not an expression"),
        ("depth = 32", "depth = 7", "length=64 is not a whole number of products"),
        ('name = "sky130"', "", r"\[library\] is missing"),
        ('name = "sky130"', 'files = ["no.lib"]', "no.lib' does not exist"),
        ("max = 1.0, step", "max = 1.5, step", "clock_frac=1.25 is too large; use <= 1"),
        ("tiles = 4", "tiles = 0", "tiles=0 is too small"),
        ('"organic"]', '"organik"]', "arrangement='organik' is unknown"),
        ('throughput_ops_per_s = "maximize"', "", "two metrics or more"),
        ("energy_per_op_j", "energy_per_op", "did you mean 'energy_per_op_j'?"),
        ('= "maximize"', '= "max"', 'write "minimize" or "maximize"'),
        ("{ max = 100 }", "{ maximum = 100 }", "'maximum' is not known here"),
        ("{ max = 100 }", "{ max = 100, min = 101 }", "swap them"),
        ("trials = 10", "trials = 0", "search.trials = 0; write a whole number >= 1"),
        ("trials = 10", "trials = 1.5", "search.trials = 1.5"),
        ('sampler = "random"', 'sampler = "rnd"', "search.sampler = 'rnd'; use one of auto"),
        ("clog2(depth)", "clog2(depth) + 99", "no point meets every rule"),
        ("seed = 3", "seed = 3000000000", "write a whole number >= 0 and < 2147483648"),
        ("seed = 3", "seed = 3\n]", "not TOML"),
    ],
)
def test_mistakes_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(DesignError, match=says) as error:
        read(tmp_path, GOOD.replace(old, new, 1))
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(str(tmp_path / "sweep.toml"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="none.toml': No such file"):
        read_sweep(tmp_path / "none.toml")


@pytest.mark.quick_cases(10)
@pytest.mark.parametrize("path", sorted(Path(__file__).parents[2].glob("sweeps/*.toml")), ids=str)
def test_every_sweep_we_ship_is_good(path: Path) -> None:
    sweep = read_sweep(path)
    assert sweep.question
