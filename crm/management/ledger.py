"""The accounts of one or more files: as a table for people, as one object for programs."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from crm.services.bulk.sides import encodable

ROWS: Final = ("rows", "created", "updated", "unchanged", "refused", "warnings")
WORDS: Final = {
    "two_owners": "phone and e-mail of two people",
    "same_name": "same name in one project",
    "second_name": "second names on a line",
    "shared_line": "lines shared by two people",
    "kept_edit": "edits that were kept",
    "deleted_line": "people on lines of deleted contacts",
}


@dataclass(slots=True)
class Ledger:
    """``failed`` holds a sentence for every file that could not be taken in as a whole."""

    files: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, facts: dict[str, Any]) -> None:
        self.files.append(facts)

    def refuse(self, path: Path, error: Exception) -> None:
        code = getattr(error, "code", "unreadable_file")
        reason = str(error) if not isinstance(error, OSError) else f"{path}: {error.strerror or error}."
        self.files.append({"file": encodable(str(path)), "error": {"code": code, "message": encodable(reason)}})
        self.failed.append(encodable(reason))

    def as_dict(self) -> dict[str, Any]:
        """Return the sums over all files, and each file."""
        sums = {name: sum(facts.get(name, 0) for facts in self.files) for name in ROWS}
        entities: dict[str, Counter[str]] = {}
        reviews: Counter[str] = Counter()
        for facts in self.files:
            reviews.update(facts.get("reviews", {}))
            for name, counts in facts.get("entities", {}).items():
                entities.setdefault(name, Counter()).update(counts)
        counted = {name: dict(counts) for name, counts in entities.items()}
        return {**sums, "entities": counted, "reviews": dict(reviews), "files": self.files}


def as_table(facts: dict[str, Any]) -> str:
    """Return the account of one file, as wide as a terminal."""
    rows = " + ".join(f"{facts[name]:,} {name}" for name in ROWS[1:5])
    lines = [f"{facts['file']}: {facts['feed_title']} (map {facts['feed']}, version {facts['feed_version']})"]
    if facts.get("dry_run"):
        lines.append(f"  {facts['rows']:,} rows, {facts['refused']:,} of them would be refused; nothing was written")
    elif facts.get("again"):
        lines.append("  taken in before; nothing to do (--again takes it in once more)")
    if not facts.get("dry_run"):
        lines.append(f"  {facts['rows']:,} rows = {rows}")
    lines += [f"  {name.replace('_', ' '):<12}" + _counts(counts) for name, counts in facts["entities"].items()]
    if facts["reviews"]:
        seen = (f"{count:,} {WORDS.get(kind, kind)}" for kind, count in facts["reviews"].items())
        lines.append(f"  to look at  {', '.join(seen)}")
    for what in ("refused", "warnings"):
        if facts[what] and facts.get(f"{what}_file"):
            lines.append(f"  {what:<12}{facts[what]:,}, listed in {facts[f'{what}_file']}")
    seconds = facts["seconds"]
    lines.append(f"  {seconds:,.1f} s, {facts['rows_now'] / max(seconds, 0.001):,.0f} rows/s")
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {how}" for how, count in counts.items())
