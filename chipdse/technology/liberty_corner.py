"""The corner of a Liberty file, from its header: enough to group files before they are parsed."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from chipdse.errors import DesignError

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CONDITIONS = re.compile(r"\boperating_conditions\s*\(\s*\"?([^\")]*)\"?\s*\)\s*\{([^}]*)\}")
_ATTRIBUTE = re.compile(r"(\w+)\s*:\s*\"?([^;\"\n]*)\"?\s*;?")
_CELL = re.compile(r"^\s*cell\s*\(", re.MULTILINE)
_LIBRARY = re.compile(r"\blibrary\s*\(\s*\"?([^\")]*)\"?\s*\)\s*\{")
# Process corners by the words that libraries use for them.
_PROCESS = {
    "typical": {"tt", "typ", "typical", "nom", "nominal"},
    "slow": {"ss", "slow", "worst", "wc"},
    "fast": {"ff", "fast", "best", "bc"},
    "slow-fast": {"sf"},
    "fast-slow": {"fs"},
}


@dataclass(frozen=True, kw_only=True)
class Corner:
    """An operating point at which a library is characterised."""

    supply_v: float
    temperature_c: float


def read_corner(path: Path) -> tuple[Corner, str]:
    """The corner of a Liberty file (plain or .gz), and its process corner as far as names tell.

    Returns
    -------
    corner : of the default operating conditions, else the nominal voltage and temperature
    process : "typical", "slow", "fast", "slow-fast", "fast-slow", or "" when nothing says

    Raises
    ------
    DesignError : unreadable, no Liberty, or without a supply voltage
    """
    text = _COMMENT.sub("", _header(path))
    library = _LIBRARY.search(text)
    if library is None:
        raise DesignError(f"{path} is not a Liberty file: it has no 'library (NAME) {{'")
    plain: dict[str, str] = dict(_ATTRIBUTE.findall(text))
    groups = {
        name.strip(): dict(_ATTRIBUTE.findall(body)) for name, body in _CONDITIONS.findall(text)
    }
    default = plain.get("default_operating_conditions", "").strip()
    chosen = groups.get(default) or next(iter(groups.values()), {})
    supply = chosen.get("voltage", plain.get("nom_voltage"))
    temperature = chosen.get("temperature", plain.get("nom_temperature", "25"))
    try:
        corner = Corner(supply_v=float(supply or ""), temperature_c=float(temperature or ""))
    except ValueError:
        raise DesignError(
            f"{path} states no supply voltage: expected operating_conditions or nom_voltage"
        ) from None
    return corner, _process(" ".join([library[1], default, path.name]))


def _header(path: Path) -> str:
    """The text before the first cell; the rest of the file is not read."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
        text = ""
        with gzip.open(path) if packed else path.open("rb") as stream:
            while data := stream.read(1 << 16):
                text += data.decode("utf-8", errors="replace")
                cell = _CELL.search(text)
                if cell:
                    return text[: cell.start()]
        return text
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DesignError(f"{path} cannot be read: {reason}") from None


def _process(words: str) -> str:
    found = {
        process
        for process, names in _PROCESS.items()
        for word in re.split(r"[^A-Za-z]+", words.lower())
        if word in names
    }
    return found.pop() if len(found) == 1 else ""
