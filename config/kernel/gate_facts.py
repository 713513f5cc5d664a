"""Facts about many approaches in one statement, so that a decision costs the same few questions whatever it needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from config.kernel import prepared
from config.kernel.gate import Approach, Asked, Fact, Facts

Row = dict[str, Any]
_APPROACHES = """
    unnest(%(contacts)s::uuid[], %(projects)s::uuid[], %(pairs)s::uuid[], %(endpoints)s::uuid[], %(messages)s::uuid[])
    WITH ORDINALITY AS a (contact_id, project_id, pair_id, endpoint_id, message_id, place)"""


@dataclass(frozen=True, eq=False)
class Question:
    """What an app asks about every approach: SQL by the name of the fact that it tells, and the tables it needs.

    Each table joins (LEFT JOIN) the table ``a`` of approaches, at most one row of it to each, under an alias that no
    other app uses. Both know the parameters "at", "up_to" (or "infinity"), "user" and "channel" of ``Asked``.
    """

    columns: Mapping[str, str]
    tables: str


@dataclass(frozen=True, eq=False)
class Source:
    """A source of facts that can be asked together with others of its kind, by one statement for all of them.

    ``made`` turns the rows about some approaches into their facts.
    """

    question: Callable[[Asked], Question]
    more: Callable[[Asked], Mapping[str, Any]]
    made: Callable[[Sequence[Approach], Sequence[Row]], Sequence[Facts]] = lambda _, rows: rows
    others: tuple["Source", ...] = ()

    def joined(self, other: "Source") -> "Source":
        return Source(self.question, self.more, self.made, (*self.others, other))

    def __call__(self, approaches: Sequence[Approach], *, asked: Asked) -> Mapping[Approach, Facts]:
        if not approaches:
            return {}
        sources = (self, *self.others)
        questions = tuple(source.question(asked) for source in sources)
        params = {**_common(approaches, asked)}
        for source in sources:
            params.update(source.more(asked))
        told = prepared.rows(_statement(questions), params)
        facts: dict[Approach, dict[str, Fact]] = {approach: {} for approach in approaches}
        begin = 0
        for source, question in zip(sources, questions, strict=True):
            end = begin + len(question.columns)
            rows = [dict(zip(question.columns, row[begin:end], strict=True)) for row in told]
            for approach, found in zip(approaches, source.made(approaches, rows), strict=True):
                facts[approach].update(found)
            begin = end
        return facts


def _common(approaches: Sequence[Approach], asked: Asked) -> dict[str, Any]:
    return {
        "contacts": [approach.contact_id for approach in approaches],
        "projects": [approach.project_id for approach in approaches],
        "pairs": [approach.pair_id for approach in approaches],
        "endpoints": [approach.endpoint_id for approach in approaches],
        "messages": [approach.message_id for approach in approaches],
        "at": asked.at,
        "up_to": asked.up_to or "infinity",
        "user": asked.user_id,
        "channel": asked.channel,
    }


@lru_cache(maxsize=64)
def _statement(questions: tuple[Question, ...]) -> str:
    """Ask all ``questions`` about the same approaches: a row for each, in their order."""
    columns = [f'{sql} AS "{name}"' for question in questions for name, sql in question.columns.items()]
    tables = [question.tables for question in questions]
    return f"SELECT {', '.join(columns)} FROM {_APPROACHES} {' '.join(tables)} ORDER BY a.place"  # noqa: S608 - our own
