"""Less common ways to read something are seen too; what code makes itself is no input of it.

Each case elaborates a block, changes one thing, and elaborates it again with the same store and
with an empty one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chipdse.design import find_block
from chipdse.errors import MachineError
from chipdse.hardware.elaborate import elaborate
from chipdse.store.recording import digests, notes
from chipdse.store.store import Store

BLOCK = """
import os, string, subprocess
from pathlib import Path
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

HERE = Path(__file__).parent

class Masked(wiring.Component):
    \"\"\"The input with some bits inverted.\"\"\"

    def __init__(self):
        super().__init__({"a": In(12), "y": Out(12)})

    def elaborate(self, platform):
        m = Module()
        {body}
        m.d.sync += self.y.eq(self.a ^ int(mask))
        return m
"""
Change = Callable[[Path], object]


def write(name: str, content: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    return change


def variable(name: str, value: str) -> Change:
    return lambda folder: os.environ.__setitem__(name, value)


MASK = {"mask.txt": "5"}
SEEN: dict[str, tuple[dict[str, str], str, Change]] = {
    "opened to be changed": (
        MASK,
        "with open(HERE / 'mask.txt', 'r+') as file: mask = file.read()",
        write("mask.txt", "7"),
    ),
    "opened to be appended to": (
        MASK,
        "with open(HERE / 'mask.txt', 'a+') as file: file.seek(0); mask = file.read()",
        write("mask.txt", "7"),
    ),
    "opened by its number": (
        MASK,
        "mask = os.read(os.open(HERE / 'mask.txt', os.O_RDWR), 9)",
        write("mask.txt", "7"),
    ),
    "opened in a folder by its descriptor": (
        {"data/mask.txt": "1"},
        "folder = os.open(HERE / 'data', os.O_RDONLY); "
        "number = os.open('mask.txt', os.O_RDONLY, dir_fd=folder); "
        "mask = os.read(number, 9); os.close(number); os.close(folder)",
        write("data/mask.txt", "2"),
    ),
    "listed by the folder's descriptor": (
        {"data/1": ""},
        "folder = os.open(HERE / 'data', os.O_RDONLY); "
        "mask = len(os.listdir(folder)); os.close(folder)",
        write("data/2", ""),
    ),
    "walked by descriptors": (
        {"data/1": ""},
        "mask = sum(len(files) for _, _, files, _ in os.fwalk(HERE / 'data'))",
        write("data/2", ""),
    ),
    "asked for in a folder by its descriptor": (
        {"data/1": ""},
        "folder = os.open(HERE / 'data', os.O_RDONLY); "
        "mask = 1 + os.access('2', os.F_OK, dir_fd=folder); os.close(folder)",
        write("data/2", ""),
    ),
    "a line of a file": (
        {"mask.txt": "1"},
        "import linecache; mask = linecache.getline(str(HERE / 'mask.txt'), 1)",
        write("mask.txt", "2"),
    ),
    "asked for, then there": ({}, "mask = 1 + os.path.exists(HERE / 'flag')", write("flag", "")),
    "asked for by pathlib": ({}, "mask = 1 + (HERE / 'flag').is_file()", write("flag", "")),
    "asked for, then gone": (
        {"flag": ""},
        "mask = 1 + (HERE / 'flag').exists()",
        lambda folder: (folder / "flag").unlink(),
    ),
    "read only if there": (
        {},
        "mask = (HERE / 'mask.txt').read_text() if (HERE / 'mask.txt').exists() else 1",
        write("mask.txt", "7"),
    ),
    "glob in a folder that is not there": (
        {},
        "mask = 1 + len(list((HERE / 'later').glob('*.mem')))",
        write("later/one.mem", ""),
    ),
    "a variable as bytes": ({}, "mask = os.environb.get(b'STALE', b'1')", variable("STALE", "2")),
    "a variable in a path": (
        {},
        "mask = os.path.expandvars('$STALE')[-1:].replace('E', '1')",
        variable("STALE", "2"),
    ),
    "a variable in a template": (
        {},
        "mask = string.Template('1$STALE').safe_substitute(os.environ).replace('$STALE', '')",
        variable("STALE", "2"),
    ),
    "a variable with a default that is set": (
        {},
        "mask = os.environ.setdefault('STALE', '1')",
        variable("STALE", "2"),
    ),
    "a variable in a copy": (
        {},
        "mask = os.environ.copy().get('STALE', 1)",
        variable("STALE", "2"),
    ),
    "variables by the start of their names": (
        {},
        "mask = 1 + sum(name.startswith('STALE') for name in os.environ)",
        variable("STALE", "2"),
    ),
}


def link(target: str) -> Change:
    """A link that is made, or set to another target."""

    def change(folder: Path) -> None:
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to(target)

    return change


def enter(name: str) -> Change:
    return lambda folder: os.chdir(folder / name)


LINKS = {"1": "", "2": "", "first/mask.txt": "1", "second/mask.txt": "2"}
"""Files that are there before; `link` leads to the file 1, the current folder is `first`."""
SEEN |= {
    "a link that is read": (LINKS, "mask = os.readlink(HERE / 'link')", link("2")),
    "a path with a link": (LINKS, "mask = (HERE / 'link').resolve().name", link("2")),
    "a path with a link, by os": (
        LINKS,
        "mask = os.path.basename(os.path.realpath(HERE / 'link'))",
        link("2"),
    ),
    "whether it is a link": (
        LINKS,
        "mask = 1 + (HERE / 'link').is_symlink()",
        lambda folder: ((folder / "link").unlink(), write("link", "")(folder)),
    ),
    "a link that leads nowhere": (
        LINKS,
        "mask = 1 + os.path.lexists(HERE / 'link')",
        lambda folder: (folder / "link").unlink(),
    ),
    "whether it may be read": (
        LINKS,
        "mask = 1 + os.access(HERE / 'flag', os.R_OK)",
        write("flag", ""),
    ),
    "a size": (LINKS, "mask = 1 + os.path.getsize(HERE / '1')", write("1", "x")),
    "a size in its status": (LINKS, "mask = 1 + (HERE / '1').stat().st_size", write("1", "x")),
    "a relative path": (
        LINKS,
        "with open('mask.txt') as file: mask = file.read()",
        enter("second"),
    ),
    "a relative path of pathlib": (LINKS, "mask = Path('mask.txt').read_text()", enter("second")),
    "whether a relative path is there": (
        LINKS,
        "mask = 1 + os.path.exists('absent')",
        lambda folder: ((folder / "second/absent").touch(), os.chdir(folder / "second")),
    ),
    "the name of the current folder": (LINKS, "mask = len(Path.cwd().name)", enter("second")),
    "the files of the current folder": (
        LINKS,
        "mask = 1 + len(os.listdir())",
        lambda folder: ((folder / "second/more").touch(), os.chdir(folder / "second")),
    ),
    "an optional module": (
        {},
        "try:\n            from optional_mask import mask\n"
        "        except ImportError:\n            mask = 1",
        write("optional_mask.py", "mask = 2\n"),
    ),
    "whether there is a module": (
        {},
        "import importlib.util; mask = 1 + bool(importlib.util.find_spec('optional_seen'))",
        write("optional_seen.py", ""),
    ),
}
SEEN |= {
    "a module in a zip file": (
        {},
        "import sys; sys.path.insert(0, str(HERE / 'modules.zip')); from zipped import mask",
        lambda folder: zipped(folder, "mask = 2"),
    ),
    "a module of a folder without __init__": (
        {"space/part.py": "mask = 1"},
        "from space.part import mask",
        write("space/part.py", "mask = 2"),
    ),
    "a package that now comes before a module": (
        {"data.py": "mask = 1"},
        "from data import mask",
        write("data/__init__.py", "mask = 2"),
    ),
    "a file of a package": (
        {"pack/__init__.py": "", "pack/mask.txt": "1"},
        "import importlib.resources; "
        "mask = (importlib.resources.files('pack') / 'mask.txt').read_text()",
        write("pack/mask.txt", "2"),
    ),
    "a file of a package, by pkgutil": (
        {"other_pack/__init__.py": "", "other_pack/mask.txt": "1"},
        "import pkgutil; mask = pkgutil.get_data('other_pack', 'mask.txt')",
        write("other_pack/mask.txt", "2"),
    ),
    "modules in a folder, by pkgutil": (
        {"plugins/first.py": ""},
        "import pkgutil; mask = 1 + len(list(pkgutil.iter_modules([str(HERE / 'plugins')])))",
        write("plugins/second.py", ""),
    ),
    "an array in a file": (
        {"mask.bin": "a"},
        "import numpy; mask = numpy.fromfile(HERE / 'mask.bin', numpy.uint8)[0]",
        write("mask.bin", "b"),
    ),
    "an array that is mapped": (
        {"mask.bin": "a"},
        "import numpy; mask = numpy.memmap(HERE / 'mask.bin', numpy.uint8, 'r')[0]",
        write("mask.bin", "b"),
    ),
    "a script that is run": (
        {"script.txt": "mask = 1"},
        "import runpy; mask = runpy.run_path(str(HERE / 'script.txt'))['mask']",
        write("script.txt", "mask = 2"),
    ),
    "a file deep in a tree": (
        {"tree/deep/one.mem": ""},
        "mask = len(list((HERE / 'tree').rglob('*.mem')))",
        write("tree/deep/two.mem", ""),
    ),
    "a folder of the user": ({}, "mask = len(str(Path.home()))", variable("HOME", "/STALE")),
    "a path of the user": ({}, "mask = len(os.path.expanduser('~'))", variable("HOME", "/STALE")),
    "variables as the values of a configuration": (
        {},
        "import configparser\n        settings = configparser.RawConfigParser(os.environ)\n"
        "        mask = settings.defaults().get('stale', 1)",
        variable("STALE", "2"),
    ),
    "a variable in a chain of mappings": (
        {},
        "import collections; mask = collections.ChainMap({}, os.environ).get('STALE', 1)",
        variable("STALE", "2"),
    ),
    "a file after a change of the folder": (
        MASK,
        "os.chdir(HERE); mask = Path('mask.txt').read_text()",
        write("mask.txt", "7"),
    ),
    "a file behind a link to a folder": (
        LINKS,
        "os.path.lexists(HERE / 'way') or os.symlink('first', HERE / 'way')\n"
        "        mask = (HERE / 'way/mask.txt').read_text()",
        lambda folder: ((folder / "way").unlink(), (folder / "way").symlink_to("second")),
    ),
}


def zipped(folder: Path, text: str) -> None:
    with zipfile.ZipFile(folder / "modules.zip", "w") as file:
        file.writestr("zipped.py", text)


UNSEEN: dict[str, tuple[dict[str, str], str, Change]] = {
    "a terminal, in the environment of a program": (
        {},
        "subprocess.run(['true'], env={**os.environ, 'A': '1'}); mask = 1",
        variable("SHLVL", "77"),
    ),
    "a file that the code makes if it is missing": (
        {},
        "if not (HERE / 'made').exists(): (HERE / 'made').write_text('3')\n"
        "        mask = (HERE / 'made').read_text()",
        lambda folder: None,
    ),
    "another folder, of code that has full paths": (
        {"k": ""},
        "mask = 1 + (HERE / 'k').absolute().exists() + len((HERE / 'k').resolve().name)",
        lambda folder: os.chdir(folder.parent),
    ),
    "a file that the code appends to": (
        {"log": ""},
        "with open(HERE / 'log', 'a+') as file: mask = file.write('x')",
        lambda folder: None,
    ),
}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(Path.cwd())  # and back after each test
    before = {name: os.environ.get(name) for name in ("STALE", "SHLVL", "HOME")}
    path = list(sys.path)
    monkeypatch.delenv("STALE", raising=False)
    yield
    sys.path[:] = path
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def project(folder: Path, files: dict[str, str], body: str) -> Path:
    folder.mkdir()
    for name, content in (files | {"pyproject.toml": "", "masked.py": BLOCK}).items():
        write(name, content.replace("{body}", body))(folder)
    zipped(folder, "mask = 1")
    if files is LINKS:
        link("1")(folder)
        os.chdir(folder / "first")
    return folder


def rtl_of(folder: Path, store: Path, reference: str = "masked:Masked") -> tuple[str, list[str]]:
    """Hash of the RTL, and the stages that ran."""
    block, used = find_block(reference, folder), Store(root=store)
    return elaborate(block, block.parameters(), used).content, used.built


@pytest.mark.tools
@pytest.mark.parametrize("what", SEEN)
def test_what_is_read_is_seen(tmp_path: Path, what: str) -> None:
    files, body, change = SEEN[what]
    folder, store = project(tmp_path / "project", files, body), tmp_path / "store"
    before, _ = rtl_of(folder, store)
    os.environ.pop("STALE", None)  # of the case that sets it, as in another process
    assert rtl_of(folder, store) == (before, [])
    change(folder)
    after, built = rtl_of(folder, store)
    assert built == ["elaborate"]
    assert after != before
    assert rtl_of(folder, tmp_path / "fresh")[0] == after


def compiled(folder: Path, mask: int) -> None:
    source, library = folder / "golden.c", folder / "golden.so"
    source.write_text(f"int mask(void) {{ return {mask}; }}\n")
    library.unlink(missing_ok=True)  # a process that loaded it keeps the old one
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)


@pytest.mark.tools
@pytest.mark.parametrize("path", ["str(HERE / 'golden.so')", "'./golden.so'"])
def test_a_compiled_library_is_seen(tmp_path: Path, path: str) -> None:
    body = f"import ctypes; mask = ctypes.CDLL({path}).mask()"
    folder, store = project(tmp_path / "project", {}, body), tmp_path / "store"
    os.chdir(folder)
    compiled(folder, 1)
    before, _ = rtl_of(folder, store)
    assert rtl_of(folder, store) == (before, [])
    compiled(folder, 2)
    with pytest.raises(MachineError, match=r"golden\.so changed .* this process loaded it"):
        rtl_of(folder, store)  # this process has the old code
    script = (
        f"import os, sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from pathlib import Path\nfrom tests.store.test_stale_reads import rtl_of\n"
        f"print(*rtl_of(Path({str(folder)!r}), Path({str(store)!r})))"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    after, _, built = process.stdout.strip().partition(" ")
    assert built == "['elaborate']" and after != before, process.stderr


@pytest.mark.tools
def test_python_without_assertions_has_results_of_its_own(tmp_path: Path) -> None:
    """With -O, Python leaves out assertions and sets `__debug__` to False."""
    folder = project(tmp_path / "project", {}, "mask = 1 if __debug__ else 2")
    script = (
        "from pathlib import Path; from tests.store.test_stale_reads import rtl_of; "
        f"print(*rtl_of(Path({str(folder)!r}), Path({str(tmp_path / 'store')!r})))"
    )

    def result(*options: str) -> tuple[str, str]:
        command = [sys.executable, *options, "-c", script]
        process = subprocess.run(
            command, capture_output=True, text=True, cwd=Path(__file__).parents[2]
        )
        content, _, built = process.stdout.strip().partition(" ")
        assert content, process.stderr
        return content, built

    (checked, first), (unchecked, second) = result(), result("-O")
    assert first == second == "['elaborate']" and checked != unchecked
    assert result() == (checked, "[]") and result("-O") == (unchecked, "[]")


def extension(folder: Path, mask: int) -> None:
    """A compiled extension module `golden`, in a new file as a build writes it."""
    source, library = folder / "golden.c", folder / "golden.so"
    source.write_text(
        "#include <Python.h>\n"
        f"static PyObject *mask(PyObject *s, PyObject *a) {{ return PyLong_FromLong({mask}); }}\n"
        'static PyMethodDef all[] = {{"mask", mask, METH_NOARGS, ""}, {0}};\n'
        'static PyModuleDef golden = {PyModuleDef_HEAD_INIT, "golden", "", -1, all};\n'
        "PyMODINIT_FUNC PyInit_golden(void) { return PyModule_Create(&golden); }\n"
    )
    library.unlink(missing_ok=True)
    include = sysconfig.get_path("include")
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{include}", "-o", library, source], check=True)


@pytest.mark.tools
def test_an_extension_module_is_seen(tmp_path: Path) -> None:
    """Another process computes again; this one, which keeps the old code, refuses."""
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        pytest.skip("the headers of Python are not installed")
    folder = project(tmp_path / "project", {}, "import golden; mask = golden.mask()")
    store = tmp_path / "store"
    extension(folder, 1)
    before, _ = rtl_of(folder, store)
    assert rtl_of(folder, store) == (before, [])
    extension(folder, 2)
    with pytest.raises(MachineError, match=r"golden.* changed .* this process loaded it"):
        rtl_of(folder, store)
    script = (
        "from pathlib import Path; from tests.store.test_stale_reads import rtl_of; "
        f"print(*rtl_of(Path({str(folder)!r}), Path({str(store)!r})))"
    )
    process = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    after, _, built = process.stdout.strip().partition(" ")
    assert built == "['elaborate']" and after != before, process.stderr
    extension(folder, 1)  # as it was
    assert rtl_of(folder, store) == (before, [])


@pytest.mark.tools
@pytest.mark.parametrize("what", UNSEEN)
def test_what_is_no_input_runs_nothing_again(tmp_path: Path, what: str) -> None:
    files, body, change = UNSEEN[what]
    folder, store = project(tmp_path / "project", files, body), tmp_path / "store"
    before, _ = rtl_of(folder, store)
    rtl_of(folder, store)  # what the first one made is there now
    change(folder)
    assert rtl_of(folder, store) == (before, [])


@pytest.mark.tools
def test_an_edit_within_the_second_is_not_hidden_by_a_compiled_module(tmp_path: Path) -> None:
    """Python takes a compiled module for current if the size and the date in seconds are equal."""
    folder = project(tmp_path / "project", {}, "from other import mask")
    other, store = folder / "other.py", tmp_path / "store"
    other.write_text("mask = 5\n")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "CHIPDSE_CACHE": str(store)}
    code = (
        "import sys; from pathlib import Path; from tests.store.test_stale_reads import rtl_of; "
        "import json; print(json.dumps(rtl_of(Path(sys.argv[1]), Path(sys.argv[2]))))"
    )

    def in_a_process(root: Path) -> list[object]:
        command = [sys.executable, "-c", code, str(folder), str(root)]
        where = Path(__file__).parents[2]
        done = subprocess.run(
            command, cwd=where, env=environment, capture_output=True, text=True, check=True
        )
        found: list[object] = json.loads(done.stdout)
        return found

    first = in_a_process(store)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)
    date = other.stat().st_mtime_ns
    other.write_text("mask = 6\n")
    os.utime(other, ns=(date, date))
    second = in_a_process(store)
    assert second[1] == ["elaborate"] and second[0] != first[0]


def test_a_variable_that_the_code_sets_counts_as_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STALE", "outside")
    given = digests.digest_of_text("outside")
    with notes.watching("test"):
        os.environ["STALE"] = "inside"
    assert digests.environment_digest("STALE") == given
    os.environ["STALE"] = "again"  # from outside
    assert digests.environment_digest("STALE") == digests.digest_of_text("again")


FUNCTION = "function [7:0] f(input [7:0] p); f = p {operation}; endfunction\n"
VERILOG = """
module t(input clk, input [7:0] a, output reg [7:0] y);
{body}
always @(posedge clk) y <= f(a);
endmodule
"""
MEMORY = """
reg [7:0] rom [0:3];
initial $readmemh({name}, rom);
function [7:0] f(input [7:0] p); f = rom[p[1:0]]; endfunction
"""
INCLUDE = "include = ['first', 'second']\n"
SHADOWED = {"first/none.txt": "", "second/f.vh": FUNCTION.format(operation="+ 1")}
OTHER = FUNCTION.format(operation="* 3")
NESTED = {**SHADOWED, "first/inner/g.vh": '`include "f.vh"\n'}
ODD = 'odd "name" é'
WORDS = "1 2 3 4"
VERILOG_CASES: dict[str, tuple[str, str, dict[str, str], Change]] = {
    "an earlier folder of the search path": (
        INCLUDE,
        '`include "f.vh"',
        SHADOWED,
        write("first/f.vh", OTHER),
    ),
    "the folder of the source": (INCLUDE, '`include "f.vh"', SHADOWED, write("f.vh", OTHER)),
    "the folder of the file that includes": (
        INCLUDE,
        '`include "inner/g.vh"',
        NESTED,
        write("first/inner/f.vh", OTHER),
    ),
    "a folder that no script can name": (
        f"include = ['{ODD}']\n",
        '`include "f.vh"',
        {f"{ODD}/f.vh": FUNCTION.format(operation="+ 1")},
        write(f"{ODD}/f.vh", OTHER),
    ),
    "a memory file of two texts": (
        "defines = { WHERE = '\"data\"' }\n",
        MEMORY.format(name='{`WHERE, "/rom.hex"}'),
        {"data/rom.hex": WORDS},
        write("data/rom.hex", "1 2 3 5"),
    ),
    "a memory file of a constant and a text": (
        "",
        'localparam WHERE = "data/";\n' + MEMORY.format(name='{WHERE, "rom.hex"}'),
        {"data/rom.hex": WORDS},
        write("data/rom.hex", "1 2 3 5"),
    ),
}


@pytest.mark.tools
@pytest.mark.parametrize("reader", ["auto", "slang"])
@pytest.mark.parametrize("what", VERILOG_CASES)
def test_what_verilog_reads_is_seen(tmp_path: Path, what: str, reader: str) -> None:
    description, body, files, change = VERILOG_CASES[what]
    folder, store = tmp_path / "project", tmp_path / "store"
    toml = f'sources = ["t.v"]\ntop = "t"\nclock = "clk"\nreader = "{reader}"\n{description}'
    written = {"pyproject.toml": "", "t.toml": toml, "t.v": VERILOG.format(body=body)}
    for name, content in (written | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    before, _ = rtl_of(folder, store, "t.toml")
    assert rtl_of(folder, store, "t.toml") == (before, [])
    change(folder)
    after, built = rtl_of(folder, store, "t.toml")
    assert built == ["elaborate"] and after != before
    assert rtl_of(folder, tmp_path / "fresh", "t.toml")[0] == after
