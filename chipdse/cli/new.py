"""Verb `new`: a starter project that works, to be made one's own."""

from __future__ import annotations

import argparse
import keyword
import sys
from importlib import resources
from pathlib import Path

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.errors import DesignError
from chipdse.store.files import write_folder

_FILES = {
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    "sweep.toml": "sweep.toml",
    "NAME/block.py": "block.py",
    "NAME/bench.py": "bench.py",
    "tests/test_NAME.py": "test_block.py",
    ".github/workflows/hardware.yml": "hardware.yml",
}
_TAKEN = (
    "chipdse_hdl",
    "chipdse",
    "tests",
    "cocotb",
    "amaranth",
    "numpy",
    "pandas",
    "optuna",
    "pytest",
)
_IGNORED = "studies/\nwaves/\n.chipdse/\n__pycache__/\n"


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "new",
        "write a starter project for a block of your own",
        "chipdse new block smoother && cd smoother && pytest",
        _new,
    )
    parser.add_argument("what", choices=["block"], help="what to start: a block")
    parser.add_argument("name", help="of the project and its package, e.g. smoother")
    parser.add_argument("--to", type=Path, help="folder to make; default NAME")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _new(arguments: argparse.Namespace) -> int:
    target = arguments.to or Path(arguments.name)
    files = write_starter(arguments.name, target)
    if arguments.json:
        print_json({"folder": str(target), "files": [str(file) for file in files]})
        return 0
    print("\n".join(map(str, files)))
    print(f"next:  cd {target} && pytest && chipdse sweep sweep.toml")
    return 0


def write_starter(name: str, target: Path) -> list[Path]:
    """Write the project of a new block into a new or empty folder: all of it or nothing.

    Raises
    ------
    DesignError : the name is none for a package, or the folder holds files
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name != name.lower():
        raise DesignError(
            f"{name!r} is no name for a Python package; use small letters, digits and _"
        )
    if name in _TAKEN or name in sys.stdlib_module_names:
        raise DesignError(f"{name!r} would hide a package of that name; choose another")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DesignError(f"{str(target)!r} is not an empty folder; name a new one with --to")
    templates = resources.files("chipdse.cli") / "starter"
    texts = {
        where.replace("NAME", name): (templates / f"{template}.txt")
        .read_text()
        .replace("NAME", name)
        for where, template in _FILES.items()
    }
    texts |= {f"{name}/__init__.py": f'"""The block {name}."""\n', ".gitignore": _IGNORED}
    try:
        write_folder(target, texts)
    except OSError as error:
        raise DesignError(f"{str(target)!r} cannot be written: {error.strerror}") from error
    return [target / where for where in texts]
