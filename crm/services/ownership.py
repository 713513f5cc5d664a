"""Who owns a field: what a source may write into a row that exists (DESIGN 7). Pure.

* The first word of a source about a row that exists fills its blanks, and nothing else.
* A changed record writes the fields in which it differs from what the same source said before, and nothing else.
* A blank never overwrites. What a person has edited stays as it is, and is listed for them to look at.
* What forbids or delays contact is only ever tightened, whoever edited it: flags are set and never cleared, a day
  before which nobody is called moves only into the future.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from crm.services.bulk.columns import ADDRESS, BLANKS, Columns

FLAGS: Final = frozenset({"do_not_call", "do_not_email", "do_not_text", "call_suppressed"})
OPENS: Final = "next_call_eligible_at"


class Decision(NamedTuple):
    changes: Columns  # to be written
    kept: Columns  # what the source offers where a person's edit stays


def decide(
    *,
    row: Columns,
    edited: Collection[str],
    before: Mapping[str, Any] | None,
    now: Mapping[str, Any],
    closed: Collection[str] = (),
) -> Decision:
    """Say what a record writes into ``row``. ``before`` is what its source said so far, None at its first word.

    ``closed`` columns are not for this record: neither written nor listed.
    """
    edited, closed = set(edited), set(closed)
    if not edited.isdisjoint(ADDRESS):
        edited.update(ADDRESS)
    if before is None and _elsewhere(row, now):
        closed.update(ADDRESS)
    decision = Decision({}, {})
    for column, value in now.items():
        if column in closed:
            continue
        if column in FLAGS or column == OPENS:
            if value and (not row[column] or (column == OPENS and value > row[column])):
                decision.changes[column] = value
            continue
        wanted = _wanted(column, row[column], None if before is None else before.get(column, {}), value)
        if wanted != row[column]:
            (decision.kept if column in edited else decision.changes)[column] = wanted
    return decision


def _elsewhere(row: Columns, now: Mapping[str, Any]) -> bool:
    """Whether the two name different places: half of one and half of the other would be a third."""
    return any(row[part] and part in now and now[part] != row[part] for part in ADDRESS if part in row)


def _wanted(column: str, current: Any, before: Any, value: Any) -> Any:
    """What the column would hold. ``before`` is what the source said of it so far, None at its first word."""
    if isinstance(value, dict):  # each entry is a field of its own
        if before is None:
            return {**value, **current}
        return {**current, **{key: text for key, text in value.items() if before.get(key) != text}}
    if before is None:
        return value if current == BLANKS.get(column, "") else current
    return value if before != value else current
