"""What a result rests on: publications of constants and models, as text and as BibTeX."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chipdse.cli import main
from chipdse.system.evaluate import evaluate_system
from chipdse.system.parameters import YIELD_LAWS, PackageParameters
from chipdse.technology.citations import bibtex_of, cited, cited_in, references
from chipdse.technology.constants import Sources, load_constants
from chipdse.technology.own_figures import read_own_table
from tests.support.system_cases import block

SYSTEMS = Path(__file__).parents[2] / "sweeps/systems"
FIELD = re.compile(r"  [a-z]+ = \{(.*)\},")


def keys(package: PackageParameters, **constants: str) -> set[str]:
    given = {key.replace("__", "."): text for key, text in constants.items()}
    sources = Sources.of(read_own_table(given, ""))
    evaluate_system(block(), package, sources)
    return {reference.key for reference in cited_in(sources)}


def test_a_result_cites_the_models_and_constants_that_it_used() -> None:
    plain = keys(PackageParameters())
    assert {"gupta2022act", "feng2022actuary", "stapper1983yield", "huang2006hotspot"} <= plain
    assert "murphy1964cost" not in plain
    murphy = keys(PackageParameters(yield_law="murphy"))
    assert "murphy1964cost" in murphy and "stapper1983yield" not in murphy
    assert {law.publication for law in YIELD_LAWS.values()} <= references().keys()


def test_a_system_without_memory_reads_no_figure_of_one() -> None:
    def used(package: PackageParameters) -> set[str]:
        sources = Sources()
        evaluate_system(block(), package, sources)
        return set(sources.used)

    alone = used(PackageParameters(tiles=100, node_nm=7, memory_node_nm=28))
    assert not {key for key in alone if key.startswith("memory.") or key.endswith(".n28")}
    memory = PackageParameters(
        arrangement="organic",
        chiplets=2,
        tiles=100,
        node_nm=7,
        memory_dies=1,
        memory_node_nm=28,
        memory_technology="hbm2e",
    )
    more = used(memory) - alone
    assert {"cost.wafer_price.n28", "carbon.fab_energy.n28"} <= more
    assert {key for key in more if key.startswith("memory.")}


def test_a_figure_of_the_user_is_nobody_elses() -> None:
    theirs = keys(PackageParameters(grid_use="france"))
    mine = keys(PackageParameters(grid_use="50 g/kWh"))
    assert "grids-intensity-france" in theirs - mine


def test_every_source_of_the_tables_makes_one_well_formed_entry() -> None:
    listed = cited(load_constants().values(), references().keys())
    names = [reference.key for reference in listed]
    assert len(set(names)) == len(names)
    # "as thermal_resistivity_constant" refers to a table with a source.
    assert not any(r.fields.get("howpublished", "").startswith("as ") for r in listed)
    text = bibtex_of(listed)
    assert text.count("@") >= len(names)
    for reference in listed:
        first, *fields, last = reference.bibtex.splitlines()
        assert re.fullmatch(r"@(article|inproceedings|misc)\{[a-z0-9-]+,", first) and last == "}"
        for line in fields:
            match = FIELD.fullmatch(line)
            assert match is not None, line
            # Nothing that LaTeX takes for a command, and no brace that would end the entry.
            plain = re.sub(r"\\[&%#_$]|\\[~^]\{\}", "", match[1])
            assert line.startswith("  doi = ") or not re.search(r"[&%#_$~^\\{}]", plain), line


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex and bibtex")
def test_bibtex_compiles(tmp_path: Path) -> None:
    (tmp_path / "used.bib").write_text(bibtex_of(cited(load_constants().values())))
    (tmp_path / "t.tex").write_text(
        "\\documentclass{article}\\usepackage[utf8]{inputenc}\\begin{document}\\nocite{*}"
        "\\bibliographystyle{plain}\\bibliography{used}\\end{document}"
    )
    for tool in ("pdflatex", "bibtex", "pdflatex"):
        flags = ["-interaction=nonstopmode", "-halt-on-error"] if tool == "pdflatex" else []
        subprocess.run([tool, *flags, "t"], cwd=tmp_path, check=True, capture_output=True)


def test_the_command_writes_and_lists_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "used.bib"
    system = str(SYSTEMS / "two_chiplets.toml")
    assert main(["package", system, "--sources", "--bibtex", str(file)]) == 0
    out = capsys.readouterr().out
    assert "to cite:" in out and "doi:10.1145/3470496.3527408" in out
    assert "@inproceedings{gupta2022act," in file.read_text()


def test_crystals_of_dies_are_cited_by_their_measurements() -> None:
    def of_dies(name: str) -> set[str]:
        return keys(PackageParameters(die_material=name)) - keys(PackageParameters())

    assert "burgemeister1979carbide" in of_dies("silicon_carbide")
    assert {"guo2015oxide", "klimm2023oxide"} <= of_dies("gallium_oxide")
    assert "mion2006nitride" in of_dies("gan")
