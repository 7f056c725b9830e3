"""Input files as bytes: plain, gzip, damaged, and packed so that they would fill the memory."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.reading import FREE_BYTES, LARGEST_RATIO, as_text, read_bytes, read_text, unpack

NAME = Path("some.lib.gz")


def zeros(mebibytes: int) -> bytes:
    """A gzip file of that many members, each 1 MiB of zeros in a kilobyte."""
    return gzip.compress(bytes(1 << 20)) * mebibytes


@given(st.binary(max_size=2000), st.integers(0, 9))
def test_what_was_packed_comes_back(data: bytes, level: int) -> None:
    assert unpack(gzip.compress(data, level), NAME) == data
    # several members in a row are one file (RFC 1952), as `cat a.gz b.gz` makes them
    assert unpack(gzip.compress(data) + gzip.compress(data[::-1]), NAME) == data + data[::-1]
    if data[:2] != b"\x1f\x8b":
        assert unpack(data, NAME) is data


@pytest.mark.slow
def test_a_file_that_unpacks_to_very_much_is_refused_in_bounded_memory() -> None:
    packed = zeros(512)  # half a GiB in half a MB
    assert LARGEST_RATIO * len(packed) < 512 << 20
    tracemalloc.start()
    try:
        with pytest.raises(DesignError, match=r"some\.lib\.gz unpacks to more than \d+ MiB") as got:
            unpack(packed, NAME)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "\n" not in str(got.value)
    assert peak < 2 * LARGEST_RATIO * len(packed)


@pytest.mark.slow
def test_well_packed_text_below_the_free_size_is_read() -> None:
    size = FREE_BYTES >> 20
    assert len(unpack(zeros(size), NAME)) == FREE_BYTES
    with pytest.raises(DesignError, match="unpacks to more than 64 MiB"):
        unpack(zeros(size + 1), NAME)


@pytest.mark.parametrize("cut", [3, 12, 40, -9, -1])
def test_a_damaged_file_is_one_line(cut: int) -> None:
    packed = gzip.compress(b"library (x) {}\n" * 50)
    with pytest.raises(DesignError, match="is a damaged gzip file") as got:
        unpack(packed[:cut], NAME)
    assert "\n" not in str(got.value)


def test_a_text_is_read_in_any_encoding_or_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(b"\xef\xbb\xbf" + "50 µm".encode())
    assert read_text(file) == "50 µm"
    assert as_text("50 µm".encode("latin-1")) == "50 \ufffdm"
    with pytest.raises(DesignError, match=r"none\.txt cannot be read: No such file"):
        read_bytes(tmp_path / "none.txt")
    with pytest.raises(DesignError, match="cannot be read"):
        read_bytes(tmp_path)
