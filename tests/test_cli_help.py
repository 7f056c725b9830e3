"""What the command line offers besides results: suggestions, completion, tables of other files."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chipdse.cli import build_parser, front, main, verb_parsers
from chipdse.design import suggest
from chipdse.metrics import METRICS
from tests.support.report_cases import make_study
from tests.support.small_sweep import call


def test_a_word_of_a_name_is_enough_for_a_suggestion() -> None:
    known = ["block_energy_per_op_j", "energy_per_op_j", "f_max_hz"]
    named = "did you mean 'energy_per_op_j' or 'block_energy_per_op_j'?"
    assert suggest("enrgy", known) == named
    assert suggest("xyz", known) == f"use one of {', '.join(known)}"


def chipdse(*words: object, code: int = 0) -> str:
    """What it prints: on stderr if it ends with another code than 0."""
    done = call(*words, code=code)
    return done.stderr if code else done.stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("swep fir", "chipdse: 'swep' is not a verb; did you mean 'sweep'? (see chipdse --help)"),
        ("zzz", "chipdse: 'zzz' is not a verb (see chipdse --help)"),
        ("eval fir --sett a=1", "chipdse eval: '--sett' is not an option; did you mean '--set'?"),
        ("export s --tral 3", "'--tral' is not an option; did you mean '--trial'?"),
        ("library add a b --librarry c", "chipdse library add: '--librarry' is not an option"),
        ("compare a b --tolerance 2x", "'2x' is not a fraction; write 0.02 or 2%"),
        ("package two_chiplet", "did you mean 'two_chiplets'?"),
        ("package", "'chipdse package --list' names the shipped ones"),
        ("sweep", "'chipdse sweep --list' names the shipped ones"),
        ("eval fir --only energy", "--only 'energy' is not a metric or a group; "),
        ("front s --minimize a", "--minimize and --maximize need a table"),
        ("", "chipdse: no verb is given (see chipdse --help)"),
    ],
)
def test_mistakes_are_one_line_with_the_nearest_name(line: str, message: str) -> None:
    text = chipdse(*line.split(), code=2)
    assert message in text.splitlines()[-1]


def test_help_of_a_verb_and_abbreviated_options() -> None:
    assert chipdse("help", "eval") == chipdse("eval", "--help")
    assert json.loads(chipdse("sweep", "--list", "--js")).keys() >= {"fir", "mac_array"}


def test_shipped_systems_as_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = json.loads(chipdse("package", "--list", "--json"))
    assert set(names) >= {"mono_800mm2", "two_chiplets"}
    text = chipdse("package", "mono_800mm2", "two_chiplets")
    row = next(line for line in text.splitlines() if "total_cost_usd" in line)
    both = json.loads(chipdse("package", "mono_800mm2", "two_chiplets", "--json"))
    assert len(both) == 2
    for document in both:
        assert f"{document['metrics']['total_cost_usd']:.4g} USD" in row
    single = chipdse("package", "two_chiplets")
    assert "design at 1,000,000 systems" in single


def test_the_front_of_any_table(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("name,latency,accuracy\na,1,0.5\nb,2,0.9\nc,3,0.8\nd,,1.0\ne,1.5,0.85\n")
    options = ("front", file, "--minimize", "latency", "--maximize", "accuracy")
    rows = json.loads(chipdse(*options, "--json"))
    assert [row["name"] for row in rows] == ["a", "e", "b"]  # by hand; c is beaten, d has no number
    text = chipdse(*options)
    assert "3 of 5 rows" in text
    assert "4 (knee)" in text
    assert chipdse(*options, "--format", "csv").splitlines()[0] == "name,latency,accuracy,on_front"
    some = json.loads(chipdse(*options, "--where", "name != e", "--columns", "name", "--json"))
    assert some == [{"name": "a"}, {"name": "b"}]
    assert "1 (knee)" in chipdse(*options, "--where", "latency > 1.5", "--sort", "name", "--all")
    wrong = ("front", file, "--minimize", "latncy")
    assert "'latncy' is not a column of" in chipdse(*wrong, code=2)
    assert "did you mean 'latency'?" in chipdse(*wrong, code=2)
    assert "'name' is text in" in chipdse("front", file, "--minimize", "name", code=2)
    assert "no objective is given" in chipdse("front", file, code=2)
    (tmp_path / "empty.csv").write_text("")
    assert "is not a table" in chipdse("front", tmp_path / "empty.csv", "--minimize", "a", code=2)


@pytest.mark.slow
def test_compare_for_ci(tmp_path: Path) -> None:
    study = make_study(tmp_path / "first", 60, on_disk=True).path
    text = chipdse("compare", study, study, "--tolerance", "2%", "--markdown")
    assert text.startswith("### ") and "as good, within the tolerance" in text
    chipdse("compare", study, study, "--junit", tmp_path / "r.xml")
    assert 'failures="0"' in (tmp_path / "r.xml").read_text()


def test_completion_knows_every_verb_and_option() -> None:
    for shell in ("bash", "zsh", "fish"):
        script = chipdse("completion", shell)
        for verb, parser in verb_parsers(build_parser()).items():
            assert verb in script
            for option in parser._option_string_actions:
                assert not option.startswith("--") or option[2:] in script
        if program := shutil.which(shell):
            words = [program, "--no-execute" if shell == "fish" else "-n"]
            subprocess.run(words, input=script, text=True, check=True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [("chipdse swe", "sweep"), ("chipdse eval fir --pla", "--placement"), ("chipdse eval -", "--")],
)
def test_completion_in_bash(line: str, expected: str, tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(chipdse("completion", "bash"))
    words = line.split(" ")
    program = (
        f"source {script}; COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1};"
        ' _chipdse; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert any(word.startswith(expected) for word in done.stdout.split())


def test_a_long_table_is_what_rich_lays_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [[str(n), f"{n / 7:.4g}", ["a", "長い"][n % 2]] for n in range(12)]
    headings = ["trial", "critical\npath", "kind"]
    printed = []
    for limit in (12, 11):
        monkeypatch.setattr(front, "LAID_OUT_ROWS", limit)
        front.print_rows("Pareto front: 12 of 30 points", headings, rows)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] and printed[0].count("長い") == 6


def test_a_study_that_is_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    assert main(["sweep", "adder", "--study", str(taken)]) == 2
    assert capsys.readouterr().err.endswith("is a file; name a folder\n")


def test_a_full_disk_behind_stdout_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert main(["sweep", "--list"]) == 1
        full.flush()  # nothing is left that the end of the process could not write
    error = capsys.readouterr().err
    assert "the output cannot be written (No space left on device)" in error
    assert error.count("\n") == 1


def test_each_description_names_its_subject() -> None:
    """The reference lists options and metrics one by one, where "of it" has nothing before it."""
    fragment = re.compile(r"(of|or|its|their|likewise|at|on|default|e\.g\.|per)\s")
    described = [(name, metric["doc"]) for name, metric in METRICS.items()]
    for action in actions(build_parser()):
        described.append((action.option_strings or [action.dest], action.help or "none"))
    assert not [(name, text) for name, text in described if fragment.match(text)]


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of a parser and of its verbs."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from actions(inner)
        else:
            yield action
