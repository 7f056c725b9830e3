"""`library get`: files of public repositories, checked, from a copy or over HTTP."""

from __future__ import annotations

import gzip
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.public import (
    found_in,
    public_libraries,
    public_library,
    public_source,
)
from chipdse.netlist.library.user import add_usable
from tests.support.library_files import liberty


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"CHIPDSE_{name}", str(tmp_path / name))


def test_the_table_is_complete() -> None:
    libraries = public_libraries()
    assert {"ihp-sg13g2", "asap7", "gt2n", "gf180mcu", "nangate45"} <= libraries.keys()
    for library in libraries.values():
        assert library.licence
        assert library.files[0].nominal
        for file in library.files:
            assert file.sha256 or file.git_blob, file.path
        nominal = [file.nominal for file in library.files]
        assert nominal == sorted(nominal, reverse=True)
    assert len(public_source().commit) == 40
    with pytest.raises(DesignError, match="known: ihp-sg13g2"):
        public_library("sky999")


def test_hashes_of_plain_and_repacked_files(shared: Path) -> None:
    file = next(f for f in public_library("gt2n").files)
    packed = (shared / "pdk" / "gt2n" / f"{file.name}.gz").read_bytes()
    assert file.is_this(packed)
    assert file.is_this(gzip.decompress(packed))
    assert file.is_this(gzip.compress(gzip.decompress(packed), 1))
    assert not file.is_this(packed[:-9])
    assert not file.is_this(gzip.compress(gzip.decompress(packed) + b" "))


@pytest.mark.slow
def test_from_a_folder(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["library", "get", "ihp-sg13g2", "--from", str(shared / "pdk"), "--json"]
    assert main(command) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["licence"] == "Apache-2.0"
    assert document["corners"]["slow"] == "1.08 V 125 °C"
    assert "slow_1p35V" in document["notes"][0]
    assert "10.3 MB" in said.err
    entry = resolve("ihp-sg13g2")
    assert entry.processes == ("typical", "fast", "slow")
    assert (entry.node_nm, entry.nominal.supply_v) == (130.0, 1.2)
    assert main(command) == 2
    assert "use --replace" in capsys.readouterr().err
    assert main([*command, "--replace"]) == 0


def test_a_copy_that_differs_is_refused(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = public_library("gt2n").files[0]
    good = gzip.decompress((shared / "pdk" / "gt2n" / f"{file.name}.gz").read_bytes())
    (tmp_path / file.name).write_bytes(good.replace(b"0.7", b"0.8", 1))
    assert main(["library", "get", "gt2n", "--from", str(tmp_path)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "differs from the published file" in error
    assert public_source().commit in error
    assert main(["library", "get", "asap7", "--from", str(tmp_path)]) == 2
    assert "_TT_" in capsys.readouterr().err.splitlines()[-1]
    assert main(["library", "get", "asap7", "--from", str(tmp_path / "absent")]) == 2
    assert not (tmp_path / "CONFIG").exists()


@pytest.fixture
def server(shared: Path) -> Iterator[tuple[str, dict[str, bytes], list[str]]]:
    """A server on loopback in the place of the repository; its files by path, and requests."""
    files: dict[str, bytes] = {}
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            content = files.get(self.path.lstrip("/"))
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *arguments: object) -> None:
            """Be quiet."""

    for name in ("ihp-sg13g2", "gt2n"):
        for file in public_library(name).files:
            path = shared / "pdk" / name / f"{file.name}.gz"
            if path.is_file():
                files[file.path] = gzip.decompress(path.read_bytes())
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}/", files, requests
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.mark.slow
def test_a_library_is_fetched_over_http_with_its_licence(
    server: tuple[str, dict[str, bytes], list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    address, files, requests = server
    assert main(["library", "get", "gt2n", "--mirror", address]) == 0
    said = capsys.readouterr()
    assert "BSD-3-Clause" in said.err
    assert "clock tree and cells that layout adds are those of other processes" in said.out
    assert requests == [f"/{public_library('gt2n').files[0].path}"]
    # What is here already is not fetched again.
    assert main(["library", "get", "gt2n", "--mirror", address, "--replace"]) == 0
    assert len(requests) == 1
    # A damaged file is fetched again.
    kept = next((tmp_path / "DATA").rglob("*.lib"))
    kept.write_bytes(kept.read_bytes()[:1000])
    assert main(["library", "get", "gt2n", "--mirror", address, "--replace"]) == 0
    assert len(requests) == 2
    assert resolve("gt2n").files == (kept,)


@pytest.mark.slow
def test_what_is_not_published_is_not_kept(
    server: tuple[str, dict[str, bytes], list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    address, files, _ = server
    path = public_library("gt2n").files[0].path
    files[path] += b"\n"
    assert main(["library", "get", "gt2n", "--mirror", address]) == 2
    assert "is not the published file" in capsys.readouterr().err.splitlines()[-1]
    assert not list((tmp_path / "DATA").rglob("*.lib"))
    del files[path]
    assert main(["library", "get", "gt2n", "--mirror", address]) == 1
    assert "cannot be fetched" in capsys.readouterr().err.splitlines()[-1]
    assert main(["library", "get", "gt2n", "--mirror", "http://127.0.0.1:9/"]) == 1
    assert "--from FOLDER" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "CONFIG").exists()


def test_a_corner_that_does_not_fit_is_left_out(tmp_path: Path) -> None:
    typical = liberty(tmp_path, "typical.lib")
    slow = liberty(tmp_path, "slow.lib", process="ss", cell="other")
    entry, problems = add_usable("mine", [typical, slow])
    assert entry.processes == ("typical",)
    assert resolve("mine").processes == ("typical",)
    assert problems[0].startswith("the slow corner is left out: ")


def test_folders_that_cannot_be_read_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are where others work in the folder, and one of theirs has just been removed."""
    (tmp_path / "copy" / "gone").mkdir(parents=True)
    list_folder = os.scandir

    def scandir(path: str | os.PathLike[str]) -> Any:
        if Path(path).name == "gone":
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return list_folder(path)

    monkeypatch.setattr("os.scandir", scandir)
    with pytest.raises(DesignError, match=r"has no \S+, which the nominal corner of gt2n needs"):
        found_in(public_library("gt2n"), tmp_path / "copy")


def test_unknown_libraries_name_the_command() -> None:
    with pytest.raises(DesignError, match="fetch it with 'chipdse library get asap7'"):
        resolve("asap7")
