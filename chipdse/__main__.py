"""``python -m chipdse`` is the program `chipdse`."""

import sys

from chipdse.cli import main

if __name__ == "__main__":
    sys.exit(main())
