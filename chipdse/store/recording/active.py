"""Which threads run the user's code now, and where what each of them reads is noted."""

from __future__ import annotations

from collections.abc import Callable

Note = Callable[[str, str], None]
"""Takes the kind of a read and its name: "file", "folder", "import" or "environment"; "presence"
of a path that is only asked for; "link" of a path that is followed, or looked at as a link;
"directory" where the code asks for the current folder or starts from it; "updated" of a file that
is opened to be read and changed; "written" of what the code itself makes."""
ACTIVE: dict[int, Note] = {}
"""By the number of the thread (`threading.get_ident`)."""
