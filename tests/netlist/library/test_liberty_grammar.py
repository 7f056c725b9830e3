"""Every reader of Liberty understands the same files: whole, head only, reduced for synthesis."""

from __future__ import annotations

import contextlib
import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.errors import ChipdseError, DesignError
from chipdse.hardware.mapping_library import mapping_library
from chipdse.hardware.reduced_library import reduce_library
from chipdse.netlist.library.cache import load_corners
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.liberty.head import Corner, read_corner
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import CellLibrary
from tests.support.netlist_cases import liberty_text

TEXT = liberty_text()
NAME = Path("some.lib")
_TIMES = 'values ("0.1, 2.1", "0.3, 2.3")'
# An inverter with one arc; the tables of the small library have two slews and two loads.
CELL = f"""
  lu_table_template (delay) {{ variable_1 : input_net_transition; index_1 ("0, 1");
    variable_2 : total_output_net_capacitance; index_2 ("0, 1"); }}
  cell (INV) {{ area : 2; cell_leakage_power : 3;
    pin (A) {{ direction : input; capacitance : 0.25; }}
    pin (Y) {{ direction : output; function : "!A";
      timing () {{ related_pin : "A"; timing_sense : negative_unate;
        cell_rise (delay) {{ {_TIMES}; }} cell_fall (delay) {{ {_TIMES}; }}
        rise_transition (delay) {{ {_TIMES}; }} fall_transition (delay) {{ {_TIMES}; }} }} }}
  }}
"""
HEAD = (
    'time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW"; '
    "capacitive_load_unit (1, pf); "
)
SLOW = "operating_conditions (slow) { voltage : 0.9; temperature : 125; }\n"
TYPICAL = "operating_conditions (typical) { voltage : 1.1; temperature : 25; }\n"
NOMINAL = "nom_voltage : 1.2; nom_temperature : 85;\n"


def library(body: str) -> str:
    return f"library (small) {{ {HEAD}\n{body}\n}}\n"


def every_corner(text: str | bytes, folder: Path) -> set[Corner]:
    """The corner that each reader of the program finds in a file."""
    data = text.encode() if isinstance(text, str) else text
    path = folder / "any.lib"
    path.write_bytes(data)
    found = {read_corner(path)[0], resolve([path]).nominal}
    for whole in (read_liberty([path]), load_corners([path])):
        found.add(
            Corner(supply_v=float(whole.supply_v[0]), temperature_c=float(whole.temperature_c[0]))
        )
    return found


@pytest.mark.quick_cases(7)
@pytest.mark.parametrize(
    ("body", "supply_v", "temperature_c"),
    [
        # Liberty Reference Manual, default_operating_conditions: without it the nominal values hold
        (NOMINAL + SLOW + TYPICAL + CELL, 1.2, 85),
        (NOMINAL + CELL, 1.2, 85),
        (SLOW + TYPICAL + CELL, 0.9, 125),
        (SLOW + TYPICAL + "default_operating_conditions : typical;" + CELL, 1.1, 25),
        (SLOW + TYPICAL + CELL + 'default_operating_conditions : "typical" ;', 1.1, 25),
        (CELL + NOMINAL, 1.2, 85),
        (CELL + SLOW + NOMINAL + CELL.replace("INV", "JNV").replace("(delay)", "(d2)"), 1.2, 85),
        ("default_operating_conditions : typical;" + CELL + TYPICAL + SLOW, 1.1, 25),
        # comments in both styles hold corners, cells, braces and quotes
        ("// default_operating_conditions : slow;\n" + NOMINAL + SLOW + CELL, 1.2, 85),
        ("/* corners:\n   cell (X) {\n */" + SLOW + CELL, 0.9, 125),
        (
            "// a brace in a comment: {\n// a quote: \"\n" + TYPICAL + SLOW + "/* } */"
            "default_operating_conditions /* which */ : // here\n slow /* ; */ ;" + CELL,
            0.9,
            125,
        ),
        # strings hold them too, and quotes behind a backslash
        ('comment : "cell (X) { // no \\" /* comment";' + NOMINAL + CELL, 1.2, 85),
        ('comment : "}";\n date : "1/1/2020";\n source : ftp://a.b/c\n' + NOMINAL + CELL, 1.2, 85),
        ('comment : "several \\\n lines";' + NOMINAL + CELL, 1.2, 85),
        # values without semicolons and quotes, on lines that go on
        ("nom_voltage : \\\n 1.2\n nom_temperature :\n\t85\n" + CELL, 1.2, 85),
        ('nom_voltage : "1.2"; nom_temperature : "85";' + CELL, 1.2, 85),
        ("define (cell, library, string);\n define_group (own, cell);" + NOMINAL + CELL, 1.2, 85),
        # a group of the conditions may leave to the nominal values what it does not state
        (NOMINAL + "operating_conditions (o) { process : 1; }"
         "default_operating_conditions : o;" + CELL, 1.2, 85),
        (NOMINAL + "default_operating_conditions : nowhere;" + CELL, 1.2, 85),
    ],
)  # fmt: skip
def test_every_reader_finds_the_same_corner(
    body: str,
    supply_v: float,
    temperature_c: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    expected = {Corner(supply_v=supply_v, temperature_c=temperature_c)}
    text = library(body)
    for variant in (
        text,
        text.replace("\n", "\r\n"),
        "\ufeff" + text,
        text.encode() + b"/* 50 \xb5m, caf\xe9 */",
        gzip.compress(text.encode()),
    ):
        assert every_corner(variant, tmp_path) == expected
    assert mapping_library([tmp_path / "any.lib"], tmp_path).driving_cell == "INV"


_BETWEEN = st.sampled_from(
    [" ", "\n", "\r\n", "\t", " \\\n", '/* { } " ; cell (X) { */', '// } " { cell (X)\n', "/**/"]
)


@st.composite
def heads(draw: st.DrawFn) -> tuple[str, Corner]:
    """A library with its corner in any place and any spelling, and that corner."""
    numbers = st.integers(1, 40).map(lambda tenths: tenths / 10)
    conditions = {
        name: (draw(numbers), draw(st.integers(-40, 150)))
        for name in draw(st.lists(st.sampled_from(["tt", "ss", "ff"]), unique=True))
    }
    nominal = (draw(numbers), draw(st.integers(-40, 150))) if draw(st.booleans()) else None
    default = draw(st.sampled_from([None, *conditions]))
    if not conditions and nominal is None:
        nominal = (1.0, 25)

    def quoted(text: object) -> str:
        return draw(st.sampled_from([f"{text}", f'"{text}"']))

    pieces = []
    for name, (volts, degrees) in conditions.items():
        inside = [["voltage", ":", quoted(volts), ";"], ["temperature", ":", quoted(degrees), ";"]]
        body = [token for tokens in draw(st.permutations(inside)) for token in tokens]
        pieces.append(["operating_conditions", "(", quoted(name), ")", "{", *body, "}"])
    if nominal:
        pieces.append(["nom_voltage", ":", quoted(nominal[0]), ";"])
        pieces.append(["nom_temperature", ":", quoted(nominal[1]), ";"])
    if default:
        pieces.append(["default_operating_conditions", ":", quoted(default), ";"])
    pieces.append(["note", ":", '"} { \\" operating_conditions (ff) // /* "', ";"])
    order = draw(st.permutations([*pieces, [CELL]]))
    first = next((name for piece in order for name in conditions if quoted_name(piece, name)), "")
    tokens = [token for piece in order for token in piece]
    text = "".join(
        token + draw(_BETWEEN) for token in ["library", "(", "l", ")", "{", *tokens, "}"]
    )
    volts, degrees = conditions[default] if default else nominal or conditions[first]
    return text, Corner(supply_v=volts, temperature_c=degrees)


def quoted_name(piece: list[str], name: str) -> bool:
    return piece[0] == "operating_conditions" and piece[2].strip('"') == name


@pytest.mark.slow
@settings(max_examples=100)
@given(heads())
def test_a_corner_in_any_place_and_spelling(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[str, Corner]
) -> None:
    text, corner = case
    path = tmp_path_factory.getbasetemp() / "head.lib"
    path.write_text(text, newline="")
    whole = read_liberty([path])
    assert (whole.supply_v[0], whole.temperature_c[0]) == (corner.supply_v, corner.temperature_c)
    assert read_corner(path)[0] == corner
    reduced, record = reduce_library([path], [text.encode()])
    assert record["area"] == {"INV": 2.0}
    small = read_liberty([path], [reduced.encode()])
    assert (small.tables.values == whole.tables.values).all()


def test_the_wrong_default_is_refused_only_where_it_matters(tmp_path: Path) -> None:
    path = tmp_path / "a.lib"
    path.write_text(library(SLOW + "default_operating_conditions : nowhere;" + CELL))
    assert read_corner(path)[0] == Corner(supply_v=0.9, temperature_c=125)
    path.write_text(library(SLOW + TYPICAL + "default_operating_conditions : nowhere;" + CELL))
    for read in (read_corner, lambda path: read_liberty([path])):
        with pytest.raises(DesignError, match="'nowhere', which no group .* slow, typical$"):
            read(path)
    path.write_text(library(CELL))
    for read in (read_corner, lambda path: read_liberty([path])):
        with pytest.raises(DesignError, match="no supply voltage"):
            read(path)


def small_library(head: str) -> CellLibrary:
    text = f"library (small) {{ {head} {NOMINAL} {CELL} }}"
    return read_liberty([NAME], [text.encode()])


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        'TIME : 1; time_unit : 1NS; voltage_unit : 1v; leakage_power_unit : "1nw"; '
        "capacitive_load_unit (1, PF);",
        "time_unit : 1000ps; voltage_unit : 1000 mV; leakage_power_unit : 0.000001MW; "
        'capacitive_load_unit (1000, "fF");',
        "",  # what OpenSTA takes: 1 ns, 1 V, 1 pF
    ],
)
def test_units_in_any_case_and_none(head: str) -> None:
    read = small_library(head)
    assert read.tables.axis_values[0] == pytest.approx([0, 1e-9, 0, 1e-12])
    assert read.tables.values[0, :4] == pytest.approx([0.1e-9, 2.1e-9, 0.3e-9, 2.3e-9])
    assert read.pin_capacitance_f[0, 0] == pytest.approx([0.25e-12] * 4)
    assert read.cell_leakage_w[0] == pytest.approx([3e-9])
    text = f"library (small) {{ {head} {NOMINAL} {CELL} }}"
    reduced, record = reduce_library([NAME], [text.encode()])
    # ABC compares these two as text, and takes 1 ns and 1 pF for what it does not know
    assert '\ntime_unit : "1ns" ;\n' in reduced
    assert "\ncapacitive_load_unit (1, pf) ;\n" in reduced
    assert record["input_capacitance_f"] == pytest.approx(0.25e-12)


@pytest.mark.parametrize("unit", ["1PS", "0.001ns", '"1ps"'])
def test_picoseconds_reach_abc_as_picoseconds(unit: str) -> None:
    head = HEAD.replace('"1ns"', unit).replace("(1, pf)", "(1, FF)")
    text = f"library (small) {{ {head} {NOMINAL} {CELL} }}"
    reduced, _ = reduce_library([NAME], [text.encode()])
    assert 'time_unit : "1ps" ;' in reduced and "capacitive_load_unit (1, ff) ;" in reduced


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("(1, pf)", "(1, tf)", r"capacitive_load_unit \(1, tf\) is not e\.g\. \(1, pf\)"),
        ("(1, pf)", "(0, pf)", "capacitive_load_unit is '0'; it must be positive"),
        ("capacitance : 0.25", "capacitance : 0+.01", r"capacitance is '0\+\.01'; expected a numb"),
        ("area : 2", "area : 2_0", "area is '2_0'; expected a number"),
        ("area : 2", "area : -2", "area of cell 'INV' is -2"),
        ('"1ns"', '"1parsec"', "time_unit is '1parsec'"),
        ("cell (INV)", "cell ()", "a cell without a name"),
        ('"!A"', '"!A +"', "is not a Boolean function"),
        ("pin (A)", "include_file (a.inc); pin (A)", r"include_file \(a\.inc\) is not followed"),
        ("area : 2;", 'area : "2;', r"expected an attribute, a group or '}'|is not closed"),
        ("area : 2;", "area : 2; /* ", "not closed"),
    ],
)
def test_both_readers_of_cells_refuse_alike(right: str, wrong: str, message: str) -> None:
    text = library(NOMINAL + CELL)
    assert right in text
    data = text.replace(right, wrong, 1).encode()
    for read in (read_liberty, reduce_library):
        with pytest.raises(DesignError, match=message) as caught:
            read([NAME], [data])
        assert re.match(r"some\.lib:\d+: ", str(caught.value))
        assert "\n" not in str(caught.value)


def test_a_cell_that_occurs_twice_is_refused_by_both() -> None:
    data = library(NOMINAL + CELL + CELL[CELL.index("cell (INV)") :]).encode()
    for read in (read_liberty, reduce_library):
        with pytest.raises(DesignError, match=r"cell 'INV' occurs twice \(already in some\.lib\)"):
            read([NAME], [data])


def test_a_free_cell_is_read_but_not_mapped_to() -> None:
    """ABC would take a cell of area 0 wherever it fits; fillers and macros may have none."""
    free = library(NOMINAL + CELL.replace("area : 2", "area : 0")).encode()
    assert read_liberty([NAME], [free]).cell("INV").area_m2 == 0
    with pytest.raises(DesignError, match="area of cell 'INV' is 0; synthesis needs a positive"):
        reduce_library([NAME], [free])
    macro = "cell (MACRO) { pin (Z) { direction : output; } }"
    _, record = reduce_library([NAME], [library(NOMINAL + CELL + macro).encode()])
    assert record["area"] == {"INV": 2.0, "MACRO": 0.0}


def test_files_with_other_units_are_not_mapped_together() -> None:
    other = library(CELL.replace("INV", "OTHER")).replace("(1, pf)", "(1, ff)").encode()
    with pytest.raises(DesignError, match=r"b\.lib has other units \(1e-09 s, 1e-15 F\) than a"):
        reduce_library([Path("a.lib"), Path("b.lib")], [library(CELL).encode(), other])


@pytest.mark.parametrize("spelling", ["true", '"true"', "TRUE", '"True"'])
def test_booleans_in_any_spelling(spelling: str) -> None:
    second = CELL[CELL.index("cell (INV)") :].replace("INV", "NOT").replace("area : 2", "area : 1")
    marked = second.replace("area : 1;", f"area : 1; dont_use : {spelling};")
    read = read_liberty([NAME], [library(NOMINAL + CELL + marked).encode()])
    assert read.cell("NOT").dont_use and not read.cell("INV").dont_use
    _, record = reduce_library([NAME], [library(NOMINAL + CELL + marked).encode()])
    assert record["area"] == {"INV": 2.0} and record["driving_cell"] == "INV"
    _, record = reduce_library([NAME], [library(NOMINAL + CELL + second).encode()])
    assert record["driving_cell"] == "NOT"


def test_what_abc_cannot_read_is_left_out_of_the_reduced_text() -> None:
    """ABC takes braces and comment signs inside strings for what they look like."""
    notes = (
        'comment : "see http://a.b {"; revision : "say \\"hi\\""; date : "\u00b5m"; kept : "a b";'
    )
    text = library(notes + NOMINAL + CELL + 'define ("x{", cell, string);')
    reduced, _ = reduce_library([NAME], [text.encode()])
    assert 'kept : "a b" ;' in reduced
    assert not re.search(r"comment|revision|date|define|//|\\", reduced)
    assert reduced.count("{") == reduced.count("}")
    assert reduced.isascii()


@pytest.mark.slow
@settings(max_examples=300)
@given(
    st.integers(0, len(TEXT) - 1),
    st.integers(0, 60),
    st.text(alphabet='{}()";:,\\/*\n aB01.+e-', max_size=6),
)
def test_damage_anywhere_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, length: int, instead: str
) -> None:
    text = TEXT[:at] + instead + TEXT[at + length :]
    with contextlib.suppress(ChipdseError):
        reduce_library([NAME], [text.encode()])
    path = tmp_path_factory.getbasetemp() / "damaged.lib"
    path.write_text(text)
    with contextlib.suppress(ChipdseError):
        read_corner(path)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ChipdseError):
        reduce_library([NAME], [data])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("cell (X) { " + "a () { " * 60 + "} " * 61, "nested deeper than 50 levels"),
        ("other () { " + "a () { " * 60 + "} " * 61, "nested deeper than 50 levels"),
        pytest.param(
            "type (wide) { bit_from : 60000; bit_to : 0; } cell (X) { area : 1; "
            + "".join(f"bus (B{i}) {{ bus_type : wide; direction : input; }} " for i in range(20))
            + "}",
            "the buses of cell 'X' declare more than 500000 bits",
            marks=pytest.mark.slow,
        ),
        (
            "type (wide) { bit_from : 9; bit_to : 0; } cell (X) { area : 1; bus (B) "
            "{ bus_type : wide; direction : input; " + "pin (B[99999:0]) { } " * 10 + "} }",
            "the buses of cell 'X' declare more than 500000 bits",
        ),
        (
            "type (wide) { bit_from : 2000; bit_to : 0; } cell (X) { area : 1; "
            "bus (A) { bus_type : wide; direction : input; } "
            "bus (Y) { bus_type : wide; direction : output; "
            'timing () { related_pin : "A"; cell_rise (scalar) { values ("1"); } '
            'rise_transition (scalar) { values ("1"); } } } }',
            "more than 1000000 timing or power arcs",
        ),
        (
            CELL.replace('"0, 1"', '"' + ", ".join(map(str, range(65))) + '"', 1),
            "an index of 'cell_rise' has 65 values; at most 64 are handled",
        ),
    ],
)
def test_few_bytes_do_not_fill_the_memory(body: str, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        read_liberty([NAME], [library(NOMINAL + body).encode()])


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "a : " + "/*" * 300_000,
        "a (" + "/*" * 300_000,
        "a (" + '"' * 300_001,
        "cell (X) { " + "/*" * 300_000,
        "other (X) { " + "a (b) { c " * 30_000,
        "a : " + "/" * 300_000 + ";",
        "a : " + "\\" * 300_000,
        pytest.param(
            "type (wide) { bit_from : 60000; bit_to : 0; } cell (X) { area : 1; bus (B) "
            "{ bus_type : wide; direction : input; "
            + "a (b); " * 10_000
            + "pin (B[0]) { } " * 10_000
            + "} }",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_time_grows_with_the_text(body: str) -> None:
    """Each of these would take minutes if a reader came back to what it has read."""
    with contextlib.suppress(ChipdseError):
        read_liberty([NAME], [library(NOMINAL + body).encode()])
    with contextlib.suppress(ChipdseError):
        reduce_library([NAME], [library(NOMINAL + body).encode()])
