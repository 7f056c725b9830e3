"""Chip files with several dies: what is read, every mistake in a line, the verbs and a sweep."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chipdse import sweep
from chipdse.api.chip import BEST_IN, evaluate_chips
from chipdse.application.files.chip_file import ChipFile, read_chip
from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.study.question.sweep_file import read_sweep
from tests.application.one_chips import same_chip
from tests.application.test_chip_cli import CHIP

DIES = CHIP.replace(
    "[memories.buffer]", 'die = "compute"\n[memories.buffer]\ndie = "host"'
).replace(
    "life_years = 2",
    """life_years = 2
arrangement = "organic"
link_edge_frac = 1.0
[dies.compute]
other_area_m2 = 4e-6
[dies.host]
node_nm = 65
other_area_m2 = 2e-6""",
)


@pytest.fixture
def chip_file(tmp_path: Path) -> Path:
    (tmp_path / "net.csv").write_text("name,m,n,k\nfirst,16,12,20\nsecond,1,10,64\n")
    path = tmp_path / "chip.toml"
    path.write_text(DIES)
    return path


def read(chip_file: Path, text: str) -> ChipFile:
    chip_file.write_text(text)
    return read_chip(chip_file)


def test_a_file_by_hand(chip_file: Path) -> None:
    layout = read(chip_file, DIES).layout
    assert layout is not None
    assert layout.places == {"array": "compute", "buffer": "host", "main": "host"}
    assert [(flow.name, flow.ends) for flow in layout.flows("array", "buffer", "main")] == [
        ("array to buffer", (0, 1))
    ]
    moved = DIES.replace('kind = "hbm2e"', 'kind = "hbm2e"\ndie = "compute"')
    layout = read(chip_file, moved).layout
    assert layout is not None
    flows = layout.flows("array", "buffer", "main")
    assert [(flow.name, flow.kind) for flow in flows] == [
        ("array to buffer", "operands"),
        ("buffer to main", "dram"),
    ]
    assert layout.flows(None, "buffer", "main") == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('die = "compute"', "", '[parts.array] lies on no die; write die = "compute"'),
        ('die = "compute"', 'die = "hots"', "die='hots' is unknown; the dies are compute, host"),
        ("node_nm = 65", "", "[dies.host] has no part whose library states the process"),
        ("node_nm = 65", "nodes = 65", "[dies.host]: 'nodes' is not known here; use count"),
        ("node_nm = 65", "node_nm = 65\ncount = 2", "cannot be divided over 2 dies 'host'"),
        ("[dies.compute]", "[dies.compute]\ncount = 2", "count=1 cannot be divided evenly over 2"),
        ("[dies.compute]", "[dies.compute]\ncount = 99", "a package has at most 64"),
        ("[dies.compute]", "[dies.third]\nnode_nm = 7\n[dies.compute]", "third] has nothing on it"),
        ('arrangement = "organic"', "", "[dies] has 2 dies; write how they are joined"),
        ('arrangement = "organic"', "tiles = 2", "tiles is not free here: [dies] decides it"),
        ("life_years", "node_nm = 7\nlife_years", "node_nm is not free here: [dies] decides it"),
        ("[package]", "[[application.traffic]]\nbits = 1\n[package]", "must name two parts"),
        (
            "[package]",
            '[[application.traffic]]\nbetween = ["array", "control"]\nbits = 1\n[package]',
            "'control' is unknown; use array, buffer, main",
        ),
        (
            "[package]",
            '[[application.traffic]]\nbetween = ["array", "array"]\nbits = 1\n[package]',
            "is between 'array' and itself; name two parts",
        ),
        (
            "[package]",
            '[[application.traffic]]\nbetween = ["array", "main"]\n[package]',
            "bits is missing",
        ),
    ],
)
def test_mistakes_are_one_line(chip_file: Path, old: str, new: str, message: str) -> None:
    assert old in DIES
    for reads, objectives in (
        (read_chip, ""),
        (read_sweep, '[objectives]\nlatency_s = "minimize"'),
    ):
        chip_file.write_text(f"{DIES.replace(old, new, 1)}\n{objectives}")
        with pytest.raises(DesignError) as error:
            reads(chip_file)
        assert message in str(error.value)
        assert str(error.value).startswith(str(chip_file))
        assert "\n" not in str(error.value)


def test_what_needs_dies_is_refused_without(chip_file: Path) -> None:
    with pytest.raises(DesignError, match=r"die='far' is unknown; add \[dies.far\], or leave it"):
        read(chip_file, CHIP.replace("[memories.buffer]", '[memories.buffer]\ndie = "far"'))
    traffic = '[[application.traffic]]\nbetween = ["array", "buffer"]\nbits = 1\n[package]'
    with pytest.raises(DesignError, match=r"the file has no \[dies\]; leave it out"):
        read(chip_file, CHIP.replace("[package]", traffic))


@pytest.mark.tools
def test_chips_on_two_dies(
    chip_file: Path,
    warm_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The verb `chip` with its page, the verb `package` of the best chip, and a sweep."""
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    page, system = chip_file.parent / "chips.html", chip_file.parent / "best.toml"
    words = ["--json", "--report", str(page), "--package", str(system)]
    assert main(["chip", str(chip_file), *words]) == 0
    result = json.loads(capsys.readouterr().out)
    best = result["best"]["energy_per_task_j"]
    assert [die["name"] for die in best["dies"]] == ["compute", "host"]
    assert best["die_area_m2"] == max(die["area_m2"] for die in best["dies"])
    assert [flow["name"] for flow in best["flows"]] == ["array to buffer"]
    link_s = sum(layer["link_s"] for layer in best["layers"])
    assert best["flows"][0]["time_s"] == pytest.approx(link_s)
    assert best["latency_s"] == pytest.approx(sum(x["latency_s"] for x in best["layers"]))
    shown = json.loads(page.read_text().partition('id="data">')[2].partition("</script>")[0])
    inside = shown["chips"][0]["inside"]
    assert [plan["name"] for plan in inside["floorplans"]] == ["compute", "host"]
    assert {"links", "other"} <= {r["name"] for r in inside["floorplans"][0]["regions"]}
    for plan, die in zip(inside["floorplans"], inside["dies"], strict=True):
        assert sum(region["area_m2"] for region in plan["regions"]) == pytest.approx(die["area_m2"])
        watts = sum(region["power_w"] for region in plan["regions"])
        assert watts == pytest.approx(die["power_w"], rel=1e-2)  # leakage is shared by the dies
    assert main(["package", str(system), "--json"]) == 0
    package = json.loads(capsys.readouterr().out)
    assert package["metrics"]["cost_usd"] == pytest.approx(best["cost_usd"], rel=1e-9)
    assert package["dies"] == [pytest.approx(die) for die in best["dies"]]
    assert main(["chip", str(chip_file)]) == 0
    printed = capsys.readouterr()
    host = best["dies"][1]["area_m2"] * 1e6
    assert f"1 x die host: {host:.4g} mm2 at 65 nm" in printed.out
    assert "array to buffer: " in printed.out and "level shifters" in printed.err


@pytest.mark.tools
def test_a_sweep_composes_packages(chip_file: Path, warm_store: Path) -> None:
    text = DIES.replace('arrangement = "organic"', 'arrangement = "organic"\nlink = "bow"')
    chips = {}
    for arrangement, link in (("organic", "bow"), ("silicon_interposer", "bow")):
        one = text.replace('"organic"', f'"{arrangement}"').replace('"bow"', f'"{link}"')
        chip_file.write_text(one)
        chips[arrangement] = evaluate_chips(chip_file, store=warm_store / "stages")
    goals = "".join(f'{metric} = "minimize"\n' for metric in BEST_IN)
    both = text.replace('"organic"', '["organic", "silicon_interposer"]')
    chip_file.write_text(f"{both}\n[objectives]\n{goals}")
    with ThreadPoolExecutor(1) as thread:
        study = sweep(chip_file, study=chip_file.parent / "study", store=warm_store / "stages",
                      executor=thread, workers=1, report=False, progress=False)  # fmt: skip
    points = study.points()
    for row in points.to_dict("records"):
        same = same_chip(row, chips[row["arrangement"]])
        for metric in (*BEST_IN, "die_area_m2", "peak_temperature_c"):
            assert row[metric] == pytest.approx(same[metric], rel=1e-9)
    best = min(float(each.metrics["cost_usd"].min()) for each in chips.values())
    assert points["cost_usd"].min() == pytest.approx(best, rel=1e-9)
