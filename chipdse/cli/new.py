"""Verb `new`: a starter project that works, to be made one's own."""

from __future__ import annotations

import argparse
import json
import keyword
import sys
from importlib import resources
from pathlib import Path

from chipdse.cli.common import Verbs, add_verb, command, print_json
from chipdse.errors import DesignError
from chipdse.store.files import write_folder

_PROJECT = {
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    ".github/workflows/hardware.yml": "hardware.yml",
}
"""Files of every Python project: path and template."""


def _python_files(folder: str) -> dict[str, str]:
    """Files of a project whose block is in Python."""
    return _PROJECT | {
        "sweep.toml": f"{folder}sweep.toml",
        "NAME/block.py": f"{folder}block.py",
        "NAME/bench.py": f"{folder}bench.py",
        "tests/test_NAME.py": f"{folder}test_block.py",
    }


_FILES = {
    "component": _python_files("component/"),
    "stream": _python_files("stream/"),
    "fir": _python_files("fir/"),
    "dot_product": _python_files("dot_product/"),
    "verilog": {
        "README.md": "verilog/README.md",
        "NAME.sv": "verilog/counter.sv",
        "NAME.toml": "verilog/block.toml",
        "bench_NAME.py": "verilog/bench.py",
        "sweep.toml": "verilog/sweep.toml",
    },
}
"""The files of each kind of project: where each goes, and its template."""
_SETTINGS = {
    "component": ("width=16", "width=1,32"),
    "stream": ("width=16", "width=1,32"),
    "fir": ("taps=4", "taps=2,8 bits=2,8"),
    "dot_product": ("lanes=2", "lanes=1,16 bits=2,8"),
}
"""An example of a parameter, and of corners, for README and workflow; the templates have those of
`_SMALLEST`."""
_SMALLEST = "component"
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
        "chipdse new block smoother && cd smoother && pytest\n"
        "  chipdse new block smoother --like fir    # start from a larger example",
        _new,
    )
    parser.add_argument("what", choices=["block"], help="kind of project: a block")
    parser.add_argument("name", help="name of the project and its package, e.g. smoother")
    parser.add_argument(
        "--like",
        choices=tuple(_FILES),
        default=_SMALLEST,
        help="the example to start from: the smallest block, a registered adder (component, the "
        "default), a stage between two streams, an FIR filter, a dot product, or SystemVerilog",
    )
    parser.add_argument("--to", type=Path, help="folder to make; default NAME")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _new(arguments: argparse.Namespace) -> int:
    target = arguments.to or Path(arguments.name)
    files = write_starter(arguments.name, target, arguments.like)
    from chipdse.cli.requirement import requirement

    if arguments.like != "verilog" and not requirement():
        print(
            "chipdse new: chipdse was installed from a folder of this machine, so pyproject.toml "
            "does not list it; for GitHub Actions, set the repository's variable CHIPDSE to the "
            "address from which pip installs it, such as git+https://HOST/REPOSITORY",
            file=sys.stderr,
        )
    if arguments.json:
        print_json({"folder": str(target), "files": [str(file) for file in files]})
        return 0
    print("\n".join(map(str, files)))
    check = "pytest"
    if arguments.like == "verilog":
        check = command("chipdse", "sim", f"{arguments.name}.toml")
    print(f"next:  {command('cd', target)} && {check} && chipdse sweep sweep.toml")
    return 0


def write_starter(name: str, target: Path, like: str = _SMALLEST) -> list[Path]:
    """Write the project of a new block into a new or empty folder: all of it or nothing.

    Parameters
    ----------
    like : the example block, a key of `_FILES`

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
        where.replace("NAME", name): _filled(
            (templates / f"{template}.txt").read_text(), name, like
        )
        for where, template in _FILES[like].items()
    }
    texts[".gitignore"] = _IGNORED
    if like != "verilog":
        texts[f"{name}/__init__.py"] = f'"""The block {name}."""\n'
    try:
        write_folder(target, texts)
    except OSError as error:
        raise DesignError(f"{str(target)!r} cannot be written: {error.strerror}") from error
    return [target / where for where in texts]


def _filled(text: str, name: str, like: str) -> str:
    """A template with the name of the block and the settings of its example."""
    from chipdse.cli.requirement import requirement

    text = text.replace("NAME", name)
    text = text.replace("[REQUIREMENT]", json.dumps([requirement()] if requirement() else []))
    settings = _SETTINGS.get(like, _SETTINGS[_SMALLEST])
    for default, setting in zip(_SETTINGS[_SMALLEST], settings, strict=True):
        text = text.replace(default, setting)
    return _aligned(text)


def _aligned(text: str) -> str:
    """The text with the comments of its indented command lines in one column."""
    lines = text.split("\n")
    commands: dict[int, tuple[str, str]] = {}
    for at, line in enumerate(lines):
        words, mark, comment = line.rpartition("  # ")
        if mark and line.startswith(("    pytest", "    chipdse")):
            commands[at] = words.rstrip(), comment
    width = max((len(words) for words, _ in commands.values()), default=0)
    for at, (words, comment) in commands.items():
        lines[at] = f"{words:<{width}}  # {comment}"
    return "\n".join(lines)
