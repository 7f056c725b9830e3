"""The architecture page shows the folders, the import ladder and the files of tasks as they are."""

import ast
import re
from pathlib import Path

from tests.test_house_style import LADDER

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "developers" / "architecture.md"


def first_line(folder: Path) -> str:
    """What a package's docstring says first."""
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert text, f"{folder.relative_to(ROOT)} does not say what it is for"
    return text.split("\n")[0]


def folders() -> str:
    """The rows of the page's table."""
    packages = sorted(path.parent for path in ROOT.glob("chipdse/**/__init__.py"))
    return "".join(
        f"| `{folder.relative_to(ROOT)}/` | {first_line(folder)} |\n"
        for folder in packages
        if folder != ROOT / "chipdse"
    )


def ladder() -> str:
    """The import ladder as text, the lowest level first."""
    parts = []
    for package, levels in LADDER.items():
        lines = [", ".join(name for name in names if name != "__init__") for names in levels]
        parts.append(f"{package}\n" + "".join(f"    {line}\n" for line in lines if line))
    return "\n".join(parts)


def test_the_page_shows_every_folder() -> None:
    table = PAGE.read_text().split("|---|---|\n")[1].split("\n\n")[0] + "\n"
    assert table == folders()


def test_the_page_shows_the_ladder() -> None:
    assert PAGE.read_text().split("```none\n")[1].split("```")[0] == ladder()


def test_files_named_on_the_page_exist() -> None:
    words = PAGE.read_text().replace("`", " ").replace(",", " ").split()
    named = [word.strip("().;:") for word in words if "/" in word and "](" not in word]
    assert len(named) > 20
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == []


def test_the_files_of_common_tasks_have_the_names_that_the_page_gives() -> None:
    table = PAGE.read_text().split("## Five common tasks")[1].split("|---|---|---|\n")[1]
    rows = [line.strip("|\n ").split(" | ") for line in table.split("\n\n")[0].splitlines()]
    assert len(rows) == 5
    for task, cell, number in rows:
        files = re.findall(r"`([^` ]+/[^` ]+)` \(`([^`]+)`\)", cell)
        assert len(files) == int(number), task
        for file, name in files:
            assert name in (ROOT / file).read_text(), f"{file} has no {name}"
