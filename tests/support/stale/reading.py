"""A block that reads something while it is elaborated, and a change of what it read.

`SEEN` has inputs by the way in which they are read; `UNSEEN` has what is no input.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from chipdse.design import find_block
from chipdse.hardware.elaborate import elaborate
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
