"""Verb `cache`: what the store of stage results holds, whether it is whole, what may go."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import shutil
from pathlib import Path
from typing import Any

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.errors import DesignError
from chipdse.store.care import LIMIT, derived_beside, entries, parse_size, prune, size_limit, verify
from chipdse.store.files import age_s


def add(verbs: Verbs) -> None:
    """Declare the verb and its three."""
    parser = add_verb(
        verbs,
        "cache",
        "list, verify and prune stored stage results",
        "chipdse cache info",
        lambda _: 2,
    )
    inner = parser.add_subparsers(dest="cache_verb", metavar="VERB", required=True)
    verb = add_verb(
        inner,
        "info",
        "print the size and the contents of the store",
        "chipdse cache info --json",
        _info,
    )
    _options(verb)
    verb = add_verb(
        inner, "verify", "compare every file with its hash", "chipdse cache verify", _verify
    )
    _options(verb)
    verb = add_verb(
        inner,
        "prune",
        "remove remains of killed builds, then the entries unused for longest",
        "chipdse cache prune --limit 20GB",
        _prune,
    )
    verb.add_argument(
        "--limit",
        metavar="SIZE",
        help="size to which the store is reduced, e.g. 20GB; default that of "
        f"{LIMIT}, otherwise only remains are removed; 0B removes everything",
    )
    verb.add_argument("--dry-run", action="store_true", help="only print what would be removed")
    _options(verb)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store", type=Path, metavar="FOLDER", help="folder of the store; default the user's cache"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _root(arguments: argparse.Namespace) -> Path:
    from chipdse.store.store import default_store

    root: Path = arguments.store or default_store()
    if arguments.store is not None and not root.is_dir():
        raise DesignError(f"--store {str(root)!r} is no folder; name the one that sweeps use")
    return root


def _info(arguments: argparse.Namespace) -> int:
    root = _root(arguments)
    groups: dict[tuple[str, str], list[tuple[int, float]]] = collections.defaultdict(list)
    for entry in entries(root):
        groups[entry.kind, entry.stage].append((entry.size_bytes, entry.used_s))
    for file in derived_beside(root):
        kind = "leftover" if file.leftover else "file"
        groups[kind, file.folder].append((file.size_bytes, file.used_s))
    rows: list[dict[str, Any]] = [
        {
            "stage": stage,
            "kind": kind,
            "count": len(files),
            "size_bytes": sum(size for size, _ in files),
            "longest_unused_s": round(max(age_s(used) for _, used in files)),
        }
        for (kind, stage), files in sorted(groups.items(), key=lambda item: item[0][::-1])
    ]
    size = sum(row["size_bytes"] for row in rows)
    free = shutil.disk_usage(root).free if root.is_dir() else None
    limit = size_limit()
    if arguments.json:
        summary = {"store": str(root), "size_bytes": size, "limit_bytes": limit}
        print_json({**summary, "free_bytes": free, "stages": rows})
        return 0
    print(
        f"{root}: {size_text(size)}, limit {size_text(limit) if limit is not None else 'none'}"
        + (f", {size_text(free)} free on its disk" if free is not None else "")
    )
    for row in rows:
        kind = "" if row["kind"] in ("result", "file") else f" ({row['kind']})"
        print(
            f"{row['stage'] + kind:28} {row['count']:7d} {size_text(row['size_bytes']):>10}   "
            f"longest unused {row['longest_unused_s'] / 86400:.1f} days"
        )
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    root = _root(arguments)
    count = sum(entry.kind == "result" for entry in entries(root))
    derived = [file for file in derived_beside(root) if not file.leftover]
    damaged = verify(root)
    if arguments.json:
        summary = {"store": str(root), "results": count, "files": len(derived)}
        print_json({**summary, "damaged": [str(path) for path in damaged]})
    else:
        for path in damaged:
            print(f"damaged: {path}")
        files = f", {len(derived)} files beside them" if derived else ""
        tail = "; they are built again when they are needed" if damaged else ""
        print(f"{count} results{files}, {len(damaged)} damaged{tail}")
    return 1 if damaged else 0


def _prune(arguments: argparse.Namespace) -> int:
    root = _root(arguments)
    limit = parse_size(arguments.limit, "--limit") if arguments.limit else size_limit()
    done = prune(root, float("inf") if limit is None else limit, dry=arguments.dry_run)
    if arguments.json:
        print_json({"store": str(root), "dry_run": arguments.dry_run, **dataclasses.asdict(done)})
        return 0
    verb = "would remove" if arguments.dry_run else "removed"
    in_use = f"; {done.in_use} in use stay" if done.in_use else ""
    print(
        f"{verb} {done.removed} entries, {size_text(done.removed_bytes)}; "
        f"{done.kept} stay, {size_text(done.kept_bytes)}{in_use}"
    )
    return 0


def size_text(size_bytes: float) -> str:
    """A size for people: "1.3 GB"."""
    for unit in ("B", "KB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} TB"
