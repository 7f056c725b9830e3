"""The publications that a result rests on: those of its constants and of its models."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from chipdse.technology.constants import Constant, Sources
from chipdse.technology.own_figures import is_own


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One publication, or a source without one.

    key : of its BibTeX entry
    kind : of the entry: "article", "inproceedings" or "misc"
    fields : of the entry, in their order
    match : texts by which sources of constants name it
    """

    key: str
    kind: str
    fields: Mapping[str, str]
    match: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The publication as one line, with its DOI where that is known."""
        if "author" not in self.fields:
            return f"{self.fields['howpublished']} ({self.fields['title']})"
        first, *others = self.fields["author"].split(" and ")
        names = first.partition(",")[0] + (" et al." if len(others) > 1 else "")
        if len(others) == 1:
            names = f"{names} and {others[0].partition(',')[0]}"
        venue = self.fields.get("journal") or self.fields.get("booktitle") or "preprint"
        doi = f", doi:{self.fields['doi']}" if "doi" in self.fields else ""
        return f"{names}, {self.fields['title']}, {venue}, {self.fields['year']}{doi}"

    @property
    def bibtex(self) -> str:
        """The BibTeX entry."""
        lines = [f"  {name} = {{{_escaped(name, text)}}}," for name, text in self.fields.items()]
        return "\n".join((f"@{self.kind}{{{self.key},", *lines, "}"))


@cache
def references() -> Mapping[str, Reference]:
    """All publications of the table, by key."""
    file = resources.files("chipdse.technology") / "data" / "references.toml"
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        key: Reference(
            key=key,
            kind=entry["kind"],
            match=tuple(entry["match"]),
            fields={n: v for n, v in entry.items() if n not in ("kind", "match")},
        )
        for key, entry in content.items()
    }


def cited(constants: Iterable[Constant], models: Collection[str] = ()) -> list[Reference]:
    """What constants and models rest on, by key: publications, then other sources.

    Parameters
    ----------
    models : keys of the publications of models
    """
    by_key = {key: references()[key] for key in models}
    others: dict[str, Reference] = {}
    for constant in constants:
        known = [r for r in references().values() if any(m in constant.source for m in r.match)]
        by_key |= {reference.key: reference for reference in known}
        # "as KEY" refers to another table, which is used together with it.
        if not known and not is_own(constant) and not constant.source.startswith("as "):
            others.setdefault(constant.source, _other(constant))
    listed = [by_key[key] for key in sorted(by_key)]
    return [*listed, *sorted(others.values(), key=lambda reference: reference.key)]


def cited_in(sources: Sources) -> list[Reference]:
    """What a result rests on."""
    return cited(sources.used.values(), sources.cited)


def _other(constant: Constant) -> Reference:
    """A source without a publication, as an entry of its own."""
    key = re.sub(r"[^a-z0-9]+", "-", constant.key.lower()).strip("-")
    fields = {"title": constant.doc, "howpublished": constant.source, "note": constant.key}
    return Reference(key=key, kind="misc", fields=fields)


def bibtex_of(listed: Iterable[Reference]) -> str:
    """A BibTeX file."""
    return "\n\n".join(reference.bibtex for reference in listed) + "\n"


_SPECIAL = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$", "~": r"\~{}", "^": r"\^{}"}


def _escaped(name: str, text: str) -> str:
    """Text as BibTeX and LaTeX take it; a DOI is not for LaTeX to typeset."""
    if name == "doi":
        return text
    plain = text.replace("\\", "/").replace("{", "(").replace("}", ")")
    return "".join(_SPECIAL.get(letter, letter) for letter in plain)
