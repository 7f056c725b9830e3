"""Mutated input files for every reader, and a program that reads many of them.

    python -m tests.support.fuzzing COUNT [READER ...]

reads COUNT mutated files per reader, within bounded processor time and memory, and prints each
outcome that is neither a result nor one of chipdse's own errors of one line.
"""

from __future__ import annotations

import dataclasses
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chipdse.errors import ChipdseError

ROOT = Path(__file__).parents[3]
Read = Callable[[Path], Any]
LARGEST_S, LARGEST_BYTES = 20, 4 << 30
"""Processor time and address space in which the program's reading of one file has to end."""
NUMBERS = [
    *("0", "-1", "1", "1e308", "1e999", "-1e-320", "nan", "inf", "-inf", "9" * 30, "9" * 5000),
    *("0x10", "1_000", "1.", ".5", "1e", "--1", "4294967296", "9223372036854775808", "true", "٣"),
]
TOKENS = [
    *(
        "",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\x1b[31m",
        "\ufeff",
        "é",
        "😀",
        "\\",
        "\\\n",
        '"',
        "'",
        "''",
    ),
    *('"""', "(", ")", "[", "]", "{", "}", "((((", "))))", "[[[[", "{{{{", "<", ">", ",", ";", ":"),
    *(
        "=",
        "#",
        "//",
        "/*",
        "*/",
        "*",
        "$",
        "$end",
        "`",
        "@",
        "!",
        "~",
        "&",
        "|",
        "^",
        "%",
        "..",
        "/",
    ),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reader:
    """One of chipdse's readers, and files that it takes.

    seeds : contents by file name
    read : reads a file with one of the names; another file of the folder is `others`
    others : contents of files beside it
    """

    seeds: Mapping[str, bytes]
    read: Read
    others: Mapping[str, bytes] = dataclasses.field(default_factory=dict)


def mutated(random_: random.Random, reader: Reader) -> tuple[str, bytes]:
    """A file's name and content: one of the seeds with one to five changes."""
    name = random_.choice(sorted(reader.seeds))
    content = reader.seeds[name]
    same_kind = [
        other for key, other in reader.seeds.items() if Path(key).suffix == Path(name).suffix
    ]
    for _ in range(random_.choice((1, 1, 1, 2, 3, 5))):
        content = _changed(random_, content, random_.choice(same_kind))
    return name, content


def _changed(random_: random.Random, content: bytes, other: bytes) -> bytes:
    words = [match.span() for match in re.finditer(rb"[\w.+-]+", content)] or [(0, 0)]
    numbers = [match.span() for match in re.finditer(rb"-?\d[\d.e+-]*", content)] or words
    lines = content.splitlines(keepends=True) or [b""]
    at = random_.randrange(len(content) + 1)
    match random_.randrange(12):
        case 0:  # cut short
            return content[:at]
        case 1:  # bytes of any kind
            noise = random_.randbytes(random_.randint(1, 4))
            return content[:at] + noise + content[at + random_.randint(0, 4) :]
        case 2 | 3:  # a token
            return content[:at] + random_.choice(TOKENS).encode() + content[at:]
        case 4 | 5:  # another number
            first, last = random_.choice(numbers)
            return content[:first] + random_.choice(NUMBERS).encode() + content[last:]
        case 6 | 7:  # a word of the file in another place
            (first, last), (begin, end) = random_.choice(words), random_.choice(words)
            return content[:first] + content[begin:end] + content[last:]
        case 8:  # a line removed, doubled or moved
            line = random_.choice(lines)
            lines.remove(line)
            for _ in range(random_.randint(0, 2)):
                lines.insert(random_.randint(0, len(lines)), line)
            return b"".join(lines)
        case 9:  # a part removed
            return content[:at] + content[at + random_.randint(1, 200) :]
        case 10:  # a part of another file
            begin = random_.randrange(len(other) + 1)
            return content[:at] + other[begin : begin + random_.randint(1, 300)] + content[at:]
        case _:  # a part many times
            part = content[at : at + random_.randint(1, 40)]
            return content[:at] + part * random_.choice((2, 30, 3000)) + content[at:]


def fault(reader: Reader, name: str, content: bytes, folder: Path) -> str:
    """What is wrong with the way in which a file is read; "" if it gives a result or an error.

    An error is right if it is chipdse's own, of one line and without control characters.
    """
    for other, text in reader.others.items():
        (folder / other).write_bytes(text)
    path = folder / name
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reader.read(path)
    except ChipdseError as error:
        text = str(error)
        if not text or re.search(r"[\n\r\0\x1b]", text) or len(text) > 2000 + 4 * len(content):
            return f"the message is not one short line: {text[:300]!r}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return "".join(traceback.format_exception(error))[-3000:]
    return ""


@contextmanager
def limits(seconds: int = LARGEST_S) -> Iterator[None]:
    """Ends this process's own computations after some processor time, by an error."""

    def too_long(*_: object) -> None:
        raise TimeoutError(f"not done after {seconds} s of processor time")

    before = signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def main() -> None:
    from tests.support.fuzzing.readers import READERS

    count = int(sys.argv[1])
    names = sys.argv[2:] or sorted(READERS)
    first = int(os.environ.get("FUZZ_SEED", "0"))
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST_BYTES, LARGEST_BYTES))
    for name in names:
        reader, begin, faults = READERS[name](), time.process_time(), 0
        largest_s, seen = 0.0, set()
        for number in range(first, first + count):
            file, content = mutated(random.Random(f"{name} {number}"), reader)
            with tempfile.TemporaryDirectory() as folder, limits():
                start = time.process_time()
                wrong = fault(reader, file, content, Path(folder))
                largest_s = max(largest_s, time.process_time() - start)
            if wrong:
                faults += 1
                if (where := wrong[-300:]) not in seen:
                    seen.add(where)
                    print(f"--- {name} {number} {file}\n{wrong}", flush=True)
        print(
            f"{name}: {count} files, {faults} faults, "
            f"{time.process_time() - begin:.0f} s, the longest {largest_s:.1f} s",
            flush=True,
        )
