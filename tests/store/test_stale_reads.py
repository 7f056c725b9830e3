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
from collections.abc import Iterator
from pathlib import Path

import pytest

from chipdse.errors import MachineError
from chipdse.store.recording import digests, notes
from tests.support import programs
from tests.support.stale.reading import (
    SEEN,
    UNSEEN,
    project,
    rtl_of,
)


def no_verilog(block: object, script: str, folder: Path) -> None:
    (folder / "rtl.v").write_text("")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(Path.cwd())  # and back after each test
    before = {name: os.environ.get(name) for name in ("STALE", "SHLVL", "HOME")}
    path = list(sys.path)
    monkeypatch.delenv("STALE", raising=False)
    # The hash is that of the RTLIL, which Amaranth writes; no test here reads the Verilog.
    monkeypatch.setattr("chipdse.hardware.elaborate._write_verilog", no_verilog)
    yield
    sys.path[:] = path
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


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
        "from pathlib import Path\nfrom tests.support.stale.reading import rtl_of\n"
        f"print(*rtl_of(Path({str(folder)!r}), Path({str(store)!r})))"
    )
    process = programs.run("-c", script)
    after, _, built = process.stdout.strip().partition(" ")
    assert built == "['elaborate']" and after != before, process.stderr


@pytest.mark.tools
def test_python_without_assertions_has_results_of_its_own(tmp_path: Path) -> None:
    """With -O, Python leaves out assertions and sets `__debug__` to False."""
    folder = project(tmp_path / "project", {}, "mask = 1 if __debug__ else 2")
    script = (
        "from pathlib import Path; from tests.support.stale.reading import rtl_of; "
        f"print(*rtl_of(Path({str(folder)!r}), Path({str(tmp_path / 'store')!r})))"
    )

    def result(**variables: str) -> tuple[str, str]:
        root, environment = Path(__file__).parents[2], os.environ | variables
        process = programs.run("-c", script, cwd=root, environment=environment)
        content, _, built = process.stdout.strip().partition(" ")
        assert content, process.stderr
        return content, built

    (checked, first), (unchecked, second) = result(), result(PYTHONOPTIMIZE="1")
    assert first == second == "['elaborate']" and checked != unchecked
    assert result() == (checked, "[]")
    assert result(PYTHONOPTIMIZE="1") == (unchecked, "[]")


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
        "from pathlib import Path; from tests.support.stale.reading import rtl_of; "
        f"print(*rtl_of(Path({str(folder)!r}), Path({str(store)!r})))"
    )
    process = programs.run("-c", script, cwd=Path(__file__).parents[2])
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
        "import sys; from pathlib import Path; from tests.support.stale.reading import rtl_of; "
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
