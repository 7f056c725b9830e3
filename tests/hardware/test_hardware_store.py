"""The store: built once, complete or not at all, repaired when damaged."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chipdse.errors import DesignError, ToolError
from chipdse.store.care import entries, parse_size, prune, size_per_result, verify
from chipdse.store.lock import exclusive_unless, hold_shared, release
from chipdse.store.store import Store


def write(folder: Path) -> None:
    (folder / "result.txt").write_text("42")


def test_a_stage_is_built_once(tmp_path: Path) -> None:
    store = Store(root=tmp_path)
    first = store.folder("stage", {"a": 1}, write)
    assert (first / "result.txt").read_text() == "42"
    assert store.folder("stage", {"a": 1}, write) == first
    assert store.folder("stage", {"a": 2}, write) != first
    assert store.built == ["stage", "stage"]


@pytest.mark.parametrize("damage", ["change", "remove", "manifest"])
def test_a_damaged_folder_is_built_again(tmp_path: Path, damage: str) -> None:
    store = Store(root=tmp_path)
    folder = store.folder("stage", {"a": 1}, write)
    if damage == "change":
        (folder / "result.txt").write_text("41")
    elif damage == "remove":
        (folder / "result.txt").unlink()
    else:
        (folder / "manifest.json").write_text('{"result')
    folder = store.folder("stage", {"a": 1}, write)
    assert (folder / "result.txt").read_text() == "42"
    assert store.built == ["stage", "stage"]


def test_a_failed_build_leaves_its_log_and_no_result(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "tool.log").write_text("why")
        raise ToolError("tool exited with 1", folder / "tool.log")

    store = Store(root=tmp_path)
    with pytest.raises(ToolError, match="tool exited with 1") as error:
        store.folder("stage", {"a": 1}, fail)
    assert error.value.log is not None
    assert error.value.log.read_text() == "why"
    assert str(error.value.log) in str(error.value)
    store.folder("stage", {"a": 1}, write)
    assert store.built == ["stage", "stage"]


def test_an_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(folder: Path) -> None:
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Store(root=tmp_path).folder("stage", {"a": 1}, interrupt)
    assert [path.suffix for path in (tmp_path / "stage").iterdir()] in ([], [".lock"])


def test_one_builder_a_key(tmp_path: Path) -> None:
    store = Store(root=tmp_path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: store.folder("stage", {"a": 1}, write), range(32)))
    assert store.built == ["stage"]


def test_a_builder_does_not_wait_for_those_who_read_what_another_built(tmp_path: Path) -> None:
    """Two stores want a folder at once; the second asks for it when the first has begun to read."""
    first, second = Store(root=tmp_path), Store(root=tmp_path)
    inputs: dict[str, int] = {"a": 1}
    begun = threading.Event()

    def build(folder: Path) -> None:
        begun.set()
        time.sleep(0.3)  # the second store waits for this builder
        write(folder)

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(first.folder, "stage", inputs, build)
        assert begun.wait(10)
        # The first takes its share as soon as it has built: the second must not wait for its end.
        other = threads.submit(second.folder, "stage", inputs, write)
        assert one.result(30) == other.result(30)
    assert (first.built, second.built) == (["stage"], [])


@pytest.mark.parametrize("is_done", [True, False])
def test_a_reader_is_waited_for_only_while_the_folder_is_not_done(
    tmp_path: Path, is_done: bool
) -> None:
    target = tmp_path / "key"
    share = hold_shared(target)
    assert share is not None
    ends = threading.Timer(0.3, release, [share])
    ends.start()
    try:
        with exclusive_unless(target, lambda: is_done) as is_alone:
            assert is_alone is not is_done
            assert ends.is_alive() is is_done
    finally:
        ends.join()
        if is_done:
            with exclusive_unless(target, lambda: True) as is_alone:
                assert is_alone


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolError, match="cannot be written"):
        Store(root=tmp_path / "file").folder("stage", {"a": 1}, write)


@pytest.mark.parametrize("damage", ["truncate", "empty manifest"])
def test_truncated_results_and_damaged_manifests_are_found(tmp_path: Path, damage: str) -> None:
    store = Store(root=tmp_path)
    folder = store.folder("stage", {"a": 1}, write)
    if damage == "truncate":
        os.truncate(folder / "result.txt", 1)
    else:
        (folder / "manifest.json").write_text("{}")
    assert verify(tmp_path) == []  # it is in use
    del store
    assert verify(tmp_path) == [folder]
    store = Store(root=tmp_path)
    assert (store.folder("stage", {"a": 1}, write) / "result.txt").read_text() == "42"
    assert store.built == ["stage"]


def big(folder: Path) -> None:
    (folder / "result.bin").write_bytes(bytes(100_000))


def test_pruning_takes_the_longest_unused_and_nothing_in_use(tmp_path: Path) -> None:
    folders = [Store(root=tmp_path).folder("stage", {"a": key}, big) for key in range(4)]
    for age, folder in enumerate(reversed(folders)):
        os.utime(folder / "manifest.json", (1e9 - age, 1e9 - age))
    held = Store(root=tmp_path)
    held.folder("stage", {"a": 0}, big)
    os.utime(folders[0] / "manifest.json", (1e8, 1e8))  # unused for longest, but in use
    done = prune(tmp_path, 250_000)
    assert done.removed == 2
    assert done.in_use == 1
    assert [folder.exists() for folder in folders] == [True, False, False, True]
    assert done.kept_bytes == sum(entry.size_bytes for entry in entries(tmp_path))
    del held
    assert prune(tmp_path, 0).kept == 0
    assert list(entries(tmp_path)) == []


def test_a_use_is_noted(tmp_path: Path) -> None:
    folders = [Store(root=tmp_path).folder("stage", {"a": key}, big) for key in range(2)]
    for folder in folders:
        os.utime(folder / "manifest.json", (1e9, 1e9))
    Store(root=tmp_path).folder("stage", {"a": 0}, big)
    prune(tmp_path, 150_000)
    assert [folder.exists() for folder in folders] == [True, False]


def test_the_limit_is_kept_while_building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE_LIMIT", "250KB")
    monkeypatch.setattr("chipdse.store.care.CHECK_S", 0.0)
    for key in range(5):
        folder = Store(root=tmp_path).folder("stage", {"a": key}, big)
        assert folder.exists()
    found = list(entries(tmp_path))
    assert len(found) == 2
    assert sum(entry.size_bytes for entry in found) <= 250_000


@pytest.mark.slow
def test_what_a_killed_builder_left_goes(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from chipdse.store.store import Store\n"
        "def build(folder):\n"
        "    (folder / 'half').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "Store(root=Path(sys.argv[1])).folder('stage', {'a': int(sys.argv[2])}, build)\n"
    )
    for key in ("1", "2"):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path), key], check=False)
        assert done.returncode == -signal.SIGKILL
    kinds = [entry.kind for entry in entries(tmp_path)]
    assert kinds == ["leftover", "leftover"]
    folder = Store(root=tmp_path).folder("stage", {"a": 1}, write)  # nobody holds the lock
    assert (folder / "result.txt").read_text() == "42"
    assert sorted(entry.kind for entry in entries(tmp_path)) == ["leftover", "result"]
    assert prune(tmp_path, float("inf")).removed == 1
    assert [entry.kind for entry in entries(tmp_path)] == ["result"]


@pytest.mark.slow
def test_readers_and_builders_of_many_processes(tmp_path: Path) -> None:
    """Six processes build, read, damage and prune the same few keys for a while."""
    code = (
        "import random, sys; from pathlib import Path; from chipdse.store.store import Store\n"
        "from chipdse.store.care import prune\n"
        "root, seed = Path(sys.argv[1]), int(sys.argv[2]); draw = random.Random(seed)\n"
        "def write(folder): (folder / 'result.txt').write_text('42' * 1000)\n"
        "for _ in range(150):\n"
        "    store = Store(root=root)\n"
        "    folder = store.folder('stage', {'a': draw.randrange(3)}, write)\n"
        "    assert (folder / 'result.txt').read_text() == '42' * 1000\n"
        "    if draw.random() < 0.2: prune(root, 4096)\n"
        "    assert (folder / 'result.txt').read_text() == '42' * 1000\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(seed)])
        for seed in range(4)
    ]
    assert [worker.wait(120) for worker in workers] == [0] * 4
    assert verify(tmp_path) == []


def test_what_another_process_removed_meanwhile_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [Store(root=tmp_path).folder("stage", {"a": key}, big) for key in range(2)]
    found = sorted(entries(tmp_path), key=lambda entry: entry.path)
    shutil.rmtree(found[0].path)
    monkeypatch.setattr("chipdse.store.care.entries", lambda root: found)
    pruned = prune(tmp_path, 0)
    assert (pruned.removed, pruned.kept, pruned.kept_bytes) == (1, 0, 0)
    assert not any(folder.exists() for folder in folders)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
def test_a_store_that_may_only_be_read(tmp_path: Path) -> None:
    """What is there is read; what is missing is a machine's error, in one line."""
    Store(root=tmp_path).folder("stage", {"a": 1}, write)
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = (
        "import os, sys; from pathlib import Path; from chipdse.store.store import Store\n"
        "os.setuid(65534)\n"
        "store = Store(root=Path('.')); write = lambda folder: None\n"
        "print((store.folder('stage', {'a': 1}, write) / 'result.txt').read_text())\n"
        "try: store.folder('stage', {'a': 2}, write)\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    whole, missing = done.stdout.splitlines()
    assert whole == "42"
    assert missing == (
        "MachineError the store . cannot be written (Permission denied); name another folder "
        "(CHIPDSE_CACHE)"
    )


@pytest.mark.parametrize("text", ["20", "GB", "-1GB", "1e999GB", "nanGB", "5 apples"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(DesignError, match="is not a size; write e.g. 500MB or 20GB"):
        parse_size(text)


def test_a_size_in_words_is_its_number_of_bytes() -> None:
    assert parse_size("20GB") == 2e10
    assert parse_size(" 1.5 mb ") == 1.5e6
    assert parse_size("0B") == 0


def test_the_size_of_a_design_is_estimated_from_what_is_there(tmp_path: Path) -> None:
    assert size_per_result(tmp_path, "simulate") is None
    for key in range(2):
        Store(root=tmp_path).folder("simulate", {"a": key}, big)
    for key in range(4):
        Store(root=tmp_path).folder("measure", {"a": key}, write)
    Store(root=tmp_path).folder("verilator-runtime", {}, big)  # no part of a design
    sizes = [one.size_bytes for one in entries(tmp_path) if one.stage != "verilator-runtime"]
    assert size_per_result(tmp_path, "simulate") == pytest.approx(sum(sizes) / 2)
