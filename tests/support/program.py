"""The command line called in this process, which has everything loaded."""

from __future__ import annotations

import contextlib
import io
import subprocess

from chipdse.cli import main


def call(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """What `chipdse WORDS` prints, as a process of its own would return it.

    For tests of what a verb answers. Tests of the installed program, of its start and of its end
    start a process.
    """
    output, errors = io.StringIO(), io.StringIO()
    texts = [str(word) for word in words]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            returned = main(texts)
        except SystemExit as end:
            returned = int(end.code or 0)
    done = subprocess.CompletedProcess(texts, returned, output.getvalue(), errors.getvalue())
    assert done.returncode == code, done.stderr + done.stdout
    return done
