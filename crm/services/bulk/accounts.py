"""The account of an intake: what went in, and what became of it. It balances, or it is not given."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from crm.models import IntakeRun
from crm.services.bulk.chunks import Taken
from crm.services.bulk.preparing import RowSaid

OUTCOMES: Final = ("created", "updated", "unchanged", "refused")


class Unbalanced(RuntimeError):
    """The rows that went in are not those that came out: a fault of ours, and the chunk is not kept."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record that was posted; ``field`` and ``reason`` say what is wrong with a refused one.

    ``warnings`` name what could not be used in one that was taken: {field, code, reason}.
    """

    row: int
    outcome: str
    code: str = ""
    field: str = ""
    reason: str = ""
    warnings: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Every row is counted once: refused, else created if anything was created, else updated, else unchanged.

    ``entities`` counts beside the rows what was made and changed (projects, companies, contacts, endpoints, points,
    pairs, roles, other_names), ``reviews`` what somebody should look at.
    """

    rows: int
    created: int
    updated: int
    unchanged: int
    refused: int
    warnings: int
    entities: Mapping[str, Mapping[str, int]]
    reviews: Mapping[str, int]
    run: str = ""
    source: str = ""
    again: bool = False  # the run was finished before, nothing was done now
    results: list[Result] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "results" or value}


def account_of(run: IntakeRun, results: list[Result] | None = None) -> Account:
    """Return the account of all that ``run`` has taken in, in this process or before.

    :raises Unbalanced: it does not add up.
    """
    counts = run.counts
    outcomes = {name: counts.get(f"rows.{name}", 0) for name in OUTCOMES}
    entities: dict[str, dict[str, int]] = {}
    reviews: dict[str, int] = {}
    for name, count in counts.items():
        what, _, how = name.partition(".")
        if what == "reviews":
            reviews[how] = count
        elif what != "rows":
            entities.setdefault(what, {})[how] = count
    rows = counts.get("rows.in", 0)
    if rows != sum(outcomes.values()):
        raise Unbalanced(f"{rows} rows went in, and {sum(outcomes.values())} came out: {outcomes}.")
    return Account(
        rows=rows,
        **outcomes,
        warnings=counts.get("rows.warnings", 0),
        entities=entities,
        reviews=reviews,
        run=str(run.pk),
        source=run.source,
        results=results or [],
    )


def repeated(run: IntakeRun) -> Account:
    """Return the account of a run that had nothing left to do: everything is as it was."""
    rows, refused = run.counts.get("rows.in", 0), run.counts.get("rows.refused", 0)
    return Account(
        rows=rows,
        created=0,
        updated=0,
        unchanged=rows - refused,
        refused=refused,
        warnings=run.counts.get("rows.warnings", 0),
        entities={},
        reviews={},
        run=str(run.pk),
        source=run.source,
        again=True,
    )


def added(counts: Mapping[str, int], taken: Taken) -> dict[str, int]:
    """Return ``counts`` of a run with a chunk more."""
    rows = Counter({f"rows.{outcome}": count for outcome, count in Counter(taken.outcomes).items()})
    rows["rows.in"], rows["rows.warnings"] = len(taken.outcomes), taken.warnings
    return dict(Counter(counts) + rows + taken.counts)


def results_of(rows: Sequence[RowSaid], taken: Taken) -> list[Result]:
    """Return what became of each row, in order."""
    refused = {item.row: item for item in taken.refused}
    results = []
    for row, outcome in zip(rows, taken.outcomes, strict=True):
        warnings = tuple({"field": doubt.field, "code": doubt.code, "reason": doubt.reason} for doubt in row.warnings)
        if item := refused.get(row.row):
            results.append(Result(row.row, outcome, item.code, item.field, item.reason, warnings))
        else:
            results.append(Result(row.row, outcome, warnings=warnings))
    return results
