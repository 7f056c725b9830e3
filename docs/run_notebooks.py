"""Run the notebooks and keep their outputs: python docs/run_notebooks.py

The site runs them again each time; what is kept is for those who read them in the repository.
Warnings and times of one run are left out, so that a second run changes nothing but numbers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parent / "tutorial" / "notebooks").glob("*.ipynb"))


def run(path: Path) -> None:
    """Execute one notebook in an empty folder and write it back."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}}).execute()
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for output in NOTEBOOKS:
        print(output.name)
        run(output)
